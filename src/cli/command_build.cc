#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_report.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/error_text.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/json_progress.h"
#include "gbuild/cli/output_settings.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/side_file.h"
#include "gbuild/cli/signals.h"

namespace gbuild::cli {

namespace {

constexpr const char* epilogue =
    "Environment: GBUILD_ROOT, SOURCE_DATE_EPOCH, NO_COLOR, REGISTRY_AUTH_FILE, DOCKER_CONFIG, HTTPS_PROXY, NO_PROXY.\n"
    "Exit codes: see gbuild help.\n"
    "\n"
    "Examples:\n"
    "  gbuild -t golem-example .                       write golem-example-latest.gvmi here\n"
    "  gbuild -t app:1.0 -f ci/Dockerfile -o out/ .    another Dockerfile, another directory\n"
    "  gbuild --build-arg VERSION=3 --target run -q .  print only the image's hash\n"
    "  gbuild --registry-mirror mirror.example.org .   take docker.io's images from a mirror\n"
    "  gbuild -o type=oci,dest=app.tar -t app .        a container image instead of a .gvmi\n"
    "  gbuild -o type=docker,dest=- -t app . | docker load\n";

class BuildCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        source_.declare(options);
        options.group("Where it goes");
        options.list("-t,--tag", "NAME[:TAG]", tags_, "name for the image; repeatable, the first one names the file");
        output_.declare(options);
        options.value("--iidfile", "PATH", iid_file_, "write the image id to this file");
        options.value("--metadata-file", "PATH", metadata_file_, "write what was built to this file, as JSON");
        options.group("What is shown");
        options.flag("-q,--quiet", quiet_, "show nothing but the image's hash, and errors");
        options.choice("--progress", {"auto", "tty", "plain", "json"}, progress_, "how progress is shown");
        run_.declare(options);
        registry_.declare(options);
        image_.declare(options);
        work_.declare(options);
        options.epilogue(epilogue);
    }

    int run(Console& console) override {
        ProgressMode mode = quiet_ ? ProgressMode::quiet : progress_mode(progress_, console);
        if (mode != ProgressMode::json) return build(mode, console);
        try {
            return build(mode, console);
        } catch (const std::exception&) {
            Error error = as_error(std::current_exception());
            console.err.write(json_error_line(error));
            return exit_code(error.kind());
        }
    }

  private:
    build::BuildOptions make_options(const Console& console) const {
        build::BuildOptions options;
        for (const auto& text : tags_) {
            options.tags.push_back(with_context("reading --tag", [&] { return oci::parse_image_name(text); }));
        }
        image_.apply(options, console);
        registry_.apply(options, console);
        work_.apply(options);
        run_.apply(options, console);
        source_.apply(options, console);
        output_.apply(options, console.out.is_terminal());
        return options;
    }

    static std::optional<SideFile> side_file(const char* option, const std::string& path,
                                             build::BuildOptions& options) {
        if (path.empty()) return std::nullopt;
        SideFile file(option, path);
        std::vector<std::filesystem::path> others = options.side_files;
        if (options.output) others.push_back(*options.output);
        for (const auto& output : options.container_outputs) {
            if (output.destination) others.push_back(*output.destination);
        }
        for (const auto& other : others) {
            if (std::filesystem::weakly_canonical(other) != std::filesystem::weakly_canonical(file.path())) continue;
            throw Error(ErrorKind::usage,
                        fmt::format("{} {} is another output of the build, too", option, quoted(path)))
                .hint("give each output a file of its own");
        }
        options.side_files.push_back(file.path());
        return file;
    }

    int build(ProgressMode mode, Console& console) const {
        // Before the watcher, so that Ctrl-C ends a wait for standard input as usual.
        build::BuildOptions options = make_options(console);
        if (!iid_file_.empty() && !writes_image(options)) {
            throw Error(ErrorKind::usage, "--iidfile: no image is written, only its files")
                .hint("leave it out, or write an image, too: -o type=oci,dest=FILE");
        }
        const auto iid_file = side_file("--iidfile", iid_file_, options);
        const auto metadata_file = side_file("--metadata-file", metadata_file_, options);
        // While there is one thread: what commands run in may be a user namespace, entered by this process.
        const auto sandbox = build::prepare_sandbox(options);
        SignalWatcher signals;
        build::BuildResult result;
        {
            auto progress = make_progress(mode, console);
            options.registry.notice = [&](const std::string& message) { progress->emit(Notice{message}); };
            if (options.packing.codec == pack::Codec::zstd) {
                progress->emit(Warning{"zstd-unmountable", "Golem providers cannot mount this image", {}, ""});
            }
            result = build::run_build(options, *progress, signals.stop(), sandbox.get());
        }
        if (options.output) result.file = *options.output;
        if (iid_file) iid_file->write(image_id(result));
        if (metadata_file) metadata_file->write(json_document(build_metadata(options, result)));
        // Where standard output is an archive, nothing else may be in it.
        const bool taken = uses_standard_output(options);
        if (quiet_) {
            const std::string identity = build_identity(result);
            if (!taken && !identity.empty()) console.out.write(identity + "\n");
        } else {
            (taken ? console.err : console.out).write(build_summary(options, result));
        }
        return 0;
    }

    SourceSettings source_;
    RegistrySettings registry_;
    ImageSettings image_;
    WorkSettings work_;
    RunSettings run_;
    std::vector<std::string> tags_;
    OutputSettings output_;
    std::string iid_file_, metadata_file_, progress_ = "auto";
    bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_build_command() { return std::make_unique<BuildCommand>(); }

}  // namespace gbuild::cli
