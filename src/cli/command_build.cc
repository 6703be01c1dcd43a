#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_push.h"
#include "gbuild/cli/build_record.h"
#include "gbuild/cli/build_report.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/difference_text.h"
#include "gbuild/cli/dockerfile_calls.h"
#include "gbuild/cli/error_text.h"
#include "gbuild/cli/exit_codes.h"
#include "gbuild/cli/image_load.h"
#include "gbuild/cli/output_settings.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/report_page.h"
#include "gbuild/cli/sdk_lines.h"
#include "gbuild/cli/side_file.h"
#include "gbuild/cli/signals.h"
#include "gbuild/cli/verify.h"
#include "gbuild/compare/differences.h"
#include "gbuild/engine/build.h"
#include "gbuild/golem/contract_rules.h"
#include "gbuild/sources/inputs.h"
#include "gbuild/store/store.h"

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
    "  gbuild -o type=docker,dest=- -t app . | docker load\n"
    "  gbuild https://example.org/app.git#v1:image     a git repository at a tag, and its directory image\n"
    "  gbuild -t app - < context.tar.gz                an archive, or a Dockerfile alone\n";

void leave_out(build::BuildResult& result, const std::filesystem::path& path) {
    std::erase_if(result.container_outputs, [&](const auto& written) { return written.output.destination == path; });
}

// --iidfile and --metadata-file.
class SideFiles final : public build::SideOutput {
  public:
    // `hidden`: an output that is nobody's business.
    SideFiles(const build::BuildOptions& options, std::optional<SideFile> iid_file,
              std::optional<SideFile> metadata_file, std::filesystem::path hidden, Output& standard_output) :
        options_(options),
        iid_file_(std::move(iid_file)),
        metadata_file_(std::move(metadata_file)),
        hidden_(std::move(hidden)),
        standard_output_(standard_output) {}

    void write(const build::BuildResult& made) override {
        build::BuildResult result = made;
        leave_out(result, hidden_);
        if (options_.output) result.file = *options_.output;
        if (iid_file_) iid_file_->write(image_id(result));
        if (metadata_file_) metadata_file_->write(json_document(build_metadata(options_, result)));
    }
    void pass_on() override {
        for (const auto* file : {&iid_file_, &metadata_file_}) {
            if (*file) (*file)->pass_on(standard_output_);
        }
    }
    void commit() override {
        for (auto* file : {&iid_file_, &metadata_file_}) {
            if (*file) (*file)->commit();
        }
    }

  private:
    const build::BuildOptions& options_;
    std::optional<SideFile> iid_file_, metadata_file_;
    std::filesystem::path hidden_;
    Output& standard_output_;
};

class BuildCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        source_.declare(options);
        options.group("Where it goes");
        options.list("-t,--tag", "NAME[:TAG]", tags_, "name for the image; repeatable, the first one names the file");
        output_.declare(options);
        options.flag("--load", load_, "hand the image to docker or podman, too");
        options.value("--iidfile", "PATH", iid_file_, "write the image id to this file; - is standard output");
        options.value("--metadata-file", "PATH", metadata_file_,
                      "write what was built to this file, as JSON; - is standard output");
        push_.declare(options);
        options.value("--report", "FILE", report_,
                      "write a page about the build and the image to this file, for a browser; - is standard output");
        options.group("What is checked");
        options.flag("--verify", verify_,
                     "build without the cache, then once more under other circumstances (jobs, isolation, umask, time "
                     "zone, place and order of the context), and compare; exit code 12 when the images differ");
        options.flag("--check", check_, "check the Dockerfile instead of building it, as gbuild check does");
        options.value("--call", "METHOD[,format=json]", call_,
                      "tell something of the Dockerfile instead of building it: check; outline, which arguments and "
                      "secrets the target takes; targets, which stages there are");
        options.group("What is shown");
        options.flag("-q,--quiet", quiet_, "show nothing but the image's hash as SDKs take it, and errors");
        declare_progress(options, progress_);
        run_.declare(options);
        registry_.declare(options);
        image_.declare(options);
        work_.declare(options);
        options.foreign(foreign_options("build"), notices_);
        options.epilogue(epilogue);
    }

    int run(Console& console) override {
        if (check_ || !call_.empty()) {
            if (auto code = call(check_ ? "check" : call_, console)) return *code;
        }
        const ProgressMode mode = quiet_ ? ProgressMode::quiet : progress_mode(progress_, console);
        const auto progress = make_progress(mode, console);
        return reported(*progress, console, Part::whole,
                        [&] { return verify_ ? verify(*progress, mode, console) : build(*progress, console); });
    }

  private:
    enum class Part {
        whole,
        of_verification,  // one build of two, in a process of its own
    };

    // Errors end here, as text or JSON.
    template <class Body>
    static int reported(Progress& progress, const Console& console, Part part, Body&& body) {
        try {
            return body();
        } catch (const OutputClosed&) {
            throw;
        } catch (const std::exception&) {
            const Error error = as_error(std::current_exception());
            const int code = exit_code(error.kind());
            const bool is_told = progress.tell(error);
            if (part == Part::whole)
                progress.finish({code});
            else
                progress.close();
            const auto tail =
                progress.has_just_shown_output(error.output().size()) ? OutputTail::left_out : OutputTail::shown;
            if (is_told) return code;
            console.err.write(progress.clears_echo() ? error_text(error, console.color(console.err), tail)
                                                     : failure_text(error, console, tail));
            return code;
        }
    }

    // As `docker build --call`; nullopt: build.
    std::optional<int> call(const std::string& text, Console& console) {
        const std::vector<std::string> fields = split(text, ',');
        const std::string& method = fields.front();
        const bool json = fields.size() == 2 && fields[1] == "format=json";
        const bool known =
            method == "build" || method == "check" || method == "lint" || method == "outline" || method == "targets";
        if (!known || (fields.size() > 1 && !json)) {
            throw Error(ErrorKind::usage, fmt::format("--call {}: no such method", quoted(text)))
                .hint("it is one of build, check, outline and targets, and may end with ,format=json");
        }
        if (method == "build") return std::nullopt;
        if (!quiet_) tell(notices_, console);
        if (method == "check" || method == "lint") return check_dockerfile(json, console);
        build::BuildOptions options;
        source_.apply(options, console);
        options.store_root = store_root(work_.root);
        registry_.apply(options, console);
        NullSink nobody;
        const auto fetched = fetch_context(options, nobody);
        std::vector<Warning> until_error;
        const dockerfile::Dockerfile file = build::load_dockerfile(options, until_error);
        if (method == "targets") {
            const auto targets = targets_of(file);
            console.out.write(json ? json_document(targets_json(targets)) : targets_text(targets));
        } else {
            const OutlineInfo outline = outline_of(file, options.target, options.build_args);
            console.out.write(json ? json_document(outline_json(outline)) : outline_text(outline));
        }
        return 0;
    }

    int check_dockerfile(bool json, Console& console) const {
        std::vector<std::string> words;
        auto add = [&](const char* option, const std::string& value) {
            if (value.empty()) return;
            words.emplace_back(option);
            words.push_back(value);
        };
        add("--file", source_.file);
        for (const std::string& arg : source_.build_args) add("--build-arg", arg);
        add("--target", source_.target);
        add("--root", work_.root);
        if (json) add("--format", "json");
        words.emplace_back("--");
        words.push_back(source_.context);
        return run_as_typed("check", words, console);
    }

    int verify(Progress& progress, ProgressMode mode, Console& console) {
        work_.no_cache = true;
        if (push_.wanted()) {
            throw Error(ErrorKind::usage, "--verify publishes nothing").hint("verify the build first, then push it");
        }
        build::BuildOptions options = make_options(console);
        if (options.dockerfile_text || options.context_source == "-") {
            throw Error(ErrorKind::usage, "--verify builds twice, and standard input cannot be read again")
                .hint("write it to a file or directory, and give that");
        }
        if (!options.output) {
            throw Error(ErrorKind::usage, "--verify compares the .gvmi of two builds, but none is to be written")
                .hint("leave -o out, or give a file with it");
        }
        const auto one_build = [&](const std::function<int()>& body) {
            return in_own_process([&] { return reported(progress, console, Part::of_verification, body); });
        };
        const auto ended = [&](const Ending& ending) {
            progress.finish(ending);
            return ending.exit_code;
        };
        if (const int code = one_build([&] { return build(progress, console); }); code != 0) return ended({code});
        const store::Store store(options.store_root);
        const TempDir place(store.staging());
        const std::filesystem::path first = *options.output, again = place.path() / "again.gvmi";
        const int second = one_build([&] { return build_again(options, place.path(), progress); });
        if (second != 0) return ended({second});
        const compare::Differences differences = compare::compare_images(first, again);
        if (differences.same()) {
            ended({0, {{"verified", true}}});
            if (mode == ProgressMode::plain || mode == ProgressMode::tty) {
                console.err.write("Verified: the second build gave the same bytes\n");
            }
            return 0;
        }
        ended({check_found, {{"verified", false}}});
        const ComparedNames names{first.native(), "the second build"};
        console.out.write(mode == ProgressMode::json
                              ? json_document(differences_json(names, differences))
                              : differences_text(names, differences, console.color(console.out)));
        return check_found;
    }

    // The second build says only how it differs from the first, and what goes wrong.
    static int build_again(build::BuildOptions options, const std::filesystem::path& place, Progress& progress) {
        const auto fetched = fetch_context(options, progress);
        const Circumstances changed = change_circumstances(options, place);
        NullSink nobody;
        build::PreparedBuild work = build::Build(options, nobody).prepare();
        SignalWatcher signals;
        progress.start_ticking();
        progress.emit(Notice{"building once more: " + join(changed, ", ")});
        std::move(work).run(nobody, signals.stop());
        progress.close();
        return 0;
    }

    build::BuildOptions make_options(const Console& console) {
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
        if (file.is_standard_output()) return file;
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

    // Whether standard output is somebody's already, so that nothing else may be in it.
    static bool is_taken(const build::BuildOptions& options,
                         const std::vector<const std::optional<SideFile>*>& side_files) {
        int takers = int{uses_standard_output(options)};
        for (const auto* file : side_files) takers += int{file->has_value() && (*file)->is_standard_output()};
        if (takers > 1) {
            throw Error(ErrorKind::conflict, "two outputs of the build are for standard output")
                .hint("give one of them a file");
        }
        return takers > 0;
    }

    int build(Progress& progress, Console& console) {
        // Before the watcher, so that Ctrl-C ends a wait for standard input as usual.
        build::BuildOptions options = make_options(console);
        if (!iid_file_.empty() && !writes_image(options)) {
            throw Error(ErrorKind::usage, "--iidfile: no image is written, only its files")
                .hint("leave it out, or write an image, too: -o type=oci,dest=FILE");
        }
        auto iid_file = side_file("--iidfile", iid_file_, options);
        auto metadata_file = side_file("--metadata-file", metadata_file_, options);
        auto report = side_file("--report", report_, options);
        if (report && !options.writes_gvmi) {
            throw Error(ErrorKind::usage, "--report is about a .gvmi, and none is to be written")
                .hint("leave it out, or write one, too: -o FILE.gvmi");
        }
        const std::string loader = load_ ? find_image_loader() : "";
        std::optional<store::Store> store;
        std::optional<TempDir> archive;  // in the store's staging area, which goes with it
        if (load_) {
            store.emplace(options.store_root);
            archive.emplace(store->staging());
            options.container_outputs.push_back(archive_output(archive->path() / "image.tar", options));
        }
        const bool taken = is_taken(options, {&iid_file, &metadata_file, &report});
        std::optional<BuildPush> publication;
        if (push_.wanted()) publication.emplace(push_, options, console);
        BuildRecorder recorder(progress);
        options.standard_output = [&](std::span<const std::byte> bytes) { console.out.write(as_text(bytes)); };
        const std::filesystem::path to_load = archive ? archive->path() / "image.tar" : std::filesystem::path();
        // What is published is known of last, and is part of the metadata.
        std::optional<SideFile> metadata_beside, metadata_afterwards;
        if (metadata_file) (publication ? metadata_afterwards : metadata_beside).emplace(std::move(*metadata_file));
        SideFiles beside(options, std::move(iid_file), std::move(metadata_beside), to_load, console.out);
        build::BuildResult result = run_build(options, progress, recorder, publication, beside);
        if (archive) load_image(loader, to_load, console);
        leave_out(result, to_load);
        if (!result.file.empty()) put_record(options.store_root, result.sha3, recorder.record(result));
        if (report) report->write(make_report(result.file, options.store_root, {}), console.out);
        Json metadata = build_metadata(options, result);
        if (publication) metadata["gbuild.push"] = publication->json();
        if (metadata_afterwards) metadata_afterwards->write(json_document(metadata), console.out);
        if (verify_)
            progress.close();
        else
            progress.finish({0, {{"image", metadata}}});
        if (quiet_) {
            const std::string identity = build_identity(result);
            if (!taken && !identity.empty()) console.out.write(identity + "\n");
        } else {
            Output& output = taken ? console.err : console.out;
            output.write(build_summary(options, result) + (publication ? publication->text() : ""));
            if (output.is_terminal() && !result.file.empty()) {
                output.write(publication ? publication->paste_lines()
                                         : paste_lines({result.sha3, std::filesystem::absolute(result.file), "", ""}));
            }
        }
        return 0;
    }

    // `events` are passed on to the progress.
    build::BuildResult run_build(build::BuildOptions& options, Progress& progress, EventSink& events,
                                 std::optional<BuildPush>& publication, SideFiles& beside) const {
        const auto fetched = fetch_context(options, events);
        // While there is one thread: what commands run in may be a user namespace, entered by this process.
        build::PreparedBuild work = build::Build(options, events).prepare();
        SignalWatcher signals;
        progress.start_ticking();
        for (const std::string& notice : notices_) events.emit(Notice{notice});
        for (const std::string& notice : run_.notices()) events.emit(Notice{notice});
        for (const Warning& warning : output_.warnings()) events.emit(warning);
        if (options.packing.codec == pack::Codec::zstd) {
            events.emit(golem::contract_warning("zstd-unmountable", "Golem providers cannot mount this image"));
        }
        build::BuildResult result = std::move(work).run(events, signals.stop(), &beside);
        if (options.output) result.file = *options.output;
        if (publication) publication->run(result, progress, signals.stop());
        // What is written from now on may be for the same terminal.
        progress.close();
        return result;
    }

    static build::ContainerOutput archive_output(const std::filesystem::path& file,
                                                 const build::BuildOptions& options) {
        build::ContainerOutput output;
        output.form = build::ContainerOutput::Form::docker;
        output.destination = file;
        output.compression = exporter::Compression::none;
        output.names = options.tags;
        return output;
    }

    SourceSettings source_;
    RegistrySettings registry_;
    ImageSettings image_;
    WorkSettings work_;
    RunSettings run_;
    std::vector<std::string> tags_;
    OutputSettings output_;
    BuildPushSettings push_;
    std::string iid_file_, metadata_file_, report_, call_, progress_ = "auto";
    bool quiet_ = false, verify_ = false, check_ = false, load_ = false;
    std::vector<std::string> notices_;
};

}  // namespace

std::unique_ptr<Command> make_build_command() { return std::make_unique<BuildCommand>(); }

}  // namespace gbuild::cli
