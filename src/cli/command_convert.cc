#include <fcntl.h>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_report.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/cli/output_settings.h"
#include "gbuild/cli/progress.h"
#include "gbuild/cli/sdk_lines.h"
#include "gbuild/cli/signals.h"
#include "gbuild/engine/build.h"
#include "gbuild/oci/reference.h"
#include "gbuild/registry/docker_daemon.h"
#include "gbuild/store/store.h"

namespace gbuild::cli {

namespace {

constexpr std::string_view daemon_scheme = "docker-daemon://";
constexpr const char* context_name = "source";

// A word that the Dockerfile's expansion leaves as it is.
std::string literal_word(std::string_view text) {
    std::string word = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\' || c == '$') word += '\\';
        word += c;
    }
    return word + '"';
}

// The same as a string of an exec form: JSON first, then expansion.
std::string literal_element(std::string_view text) {
    std::string escaped;
    for (char c : text) {
        if (c == '\\' || c == '$' || c == '"' || c == '\'') escaped += '\\';
        escaped += c;
    }
    return Json(escaped).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void require_one_line(std::string_view option, const std::string& value) {
    if (value.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos && !value.empty()) return;
    throw Error(ErrorKind::usage,
                fmt::format("{} {}: {}", option, quoted(value),
                            value.empty() ? "the value is empty" : "the value has more than one line"))
        .hint("a Dockerfile can say more than gbuild convert: FROM the image, and build it");
}

// What changes in the configuration, as the instructions that would change it.
struct Changes {
    std::vector<std::string> env, volumes, labels;
    std::string entrypoint, cmd, workdir, user;

    void declare(OptionSet& options) {
        options.group("What changes");
        options.list("--env", "NAME=VALUE", env, "a variable of its environment; repeatable");
        options.list("--volume", "PATH", volumes, "a volume; repeatable");
        options.value("--entrypoint", "COMMAND", entrypoint, "what is started, as ENTRYPOINT of a Dockerfile says it");
        options.value("--cmd", "COMMAND", cmd, "what is started, as CMD of a Dockerfile says it");
        options.value("--workdir", "PATH", workdir, "the directory that commands start in");
        options.value("--user", "USER[:GROUP]", user, "whom commands run as, with --vm-user image");
        options.list("--label", "KEY=VALUE", labels, "a label; repeatable");
    }

    std::string instructions() const {
        std::string text;
        for (const std::string& one : env) text += variable("ENV", "--env", one);
        for (const std::string& one : labels) text += variable("LABEL", "--label", one);
        for (const std::string& one : volumes) {
            require_one_line("--volume", one);
            text += fmt::format("VOLUME [{}]\n", literal_element(one));
        }
        if (!workdir.empty()) text += word("WORKDIR", "--workdir", workdir);
        if (!user.empty()) text += word("USER", "--user", user);
        if (!entrypoint.empty()) text += whole("ENTRYPOINT", "--entrypoint", entrypoint);
        if (!cmd.empty()) text += whole("CMD", "--cmd", cmd);
        return text;
    }

  private:
    static std::string variable(std::string_view instruction, std::string_view option, const std::string& value) {
        require_one_line(option, value);
        const size_t equals = value.find('=');
        if (equals == 0 || equals == std::string::npos) {
            throw Error(ErrorKind::usage, fmt::format("{} {} is not NAME=VALUE", option, quoted(value)))
                .hint(fmt::format("write {} NAME=VALUE", option));
        }
        return fmt::format("{} {}={}\n", instruction, literal_word(value.substr(0, equals)),
                           literal_word(value.substr(equals + 1)));
    }
    static std::string word(std::string_view instruction, std::string_view option, const std::string& value) {
        require_one_line(option, value);
        return fmt::format("{} {}\n", instruction, literal_word(value));
    }
    static std::string whole(std::string_view instruction, std::string_view option, const std::string& value) {
        require_one_line(option, value);
        return fmt::format("{} {}\n", instruction, value);
    }
};

class ConvertCommand final : public Command {
  public:
    void declare(OptionSet& options) override {
        options.argument(
            "SOURCE", source_, Presence::required,
            "an image of a registry (debian:12), oci-layout://PATH[:TAG], docker-archive://PATH[:NAME:TAG] "
            "or docker-daemon://NAME[:TAG]");
        options.group("Where it goes");
        options.list("-t,--tag", "NAME[:TAG]", tags_, "name for the image; repeatable, the first one names the file");
        output_.declare(options);
        changes_.declare(options);
        options.group("What is shown");
        options.flag("-q,--quiet", quiet_, "show nothing but the image's hash as SDKs take it, and errors");
        options.choice("--progress", {"auto", "tty", "plain", "json"}, progress_, "how progress is shown");
        options.group("Where it comes from");
        options.value("--platform", "OS/ARCH", platform_, "of an image that there is for several");
        registry_.declare(options);
        image_.declare(options);
        work_.declare(options);
        options.epilogue("The image is the one that a build of FROM SOURCE gives, byte for byte.\n"
                         "Environment: DOCKER_HOST, and those of gbuild build.\n"
                         "\n"
                         "Examples:\n"
                         "  gbuild convert python:3.12-slim -t python --volume /golem/work\n"
                         "  gbuild convert docker-daemon://app:1.0 -t app:1.0\n"
                         "  gbuild convert docker-archive://app.tar.gz -t app --workdir /golem/work\n");
    }

    int run(Console& console) override {
        build::BuildOptions options;
        for (const auto& text : tags_) {
            options.tags.push_back(with_context("reading --tag", [&] { return oci::parse_image_name(text); }));
        }
        if (options.tags.empty() && output_.outputs.empty()) {
            throw Error(ErrorKind::usage, "the image has no name").hint("give one with -t, or a file with -o");
        }
        image_.apply(options, console);
        registry_.apply(options, console);
        work_.apply(options);
        options.platform = oci::Platform::parse(platform_);
        // Triggers of the image may copy from the context: there is nothing in it.
        const store::Store store(options.store_root);
        const TempDir place(store.staging());
        options.context = place.path() / "context";
        std::filesystem::create_directory(options.context);
        output_.apply(options, console.out.is_terminal());
        const std::string base = base_name(options, place.path() / "image.tar", console);
        options.dockerfile_text = fmt::format("FROM {}\n{}", base, changes_.instructions());
        options.dockerfile_name = "<gbuild convert>";
        return build(options, console);
    }

  private:
    // What FROM is to name.
    std::string base_name(build::BuildOptions& options, const std::filesystem::path& archive, Console& console) const {
        if (source_.find("://") == std::string::npos) {
            oci::Reference::parse(source_);  // throws: no white space, nothing that would be expanded
            return source_;
        }
        if (source_.starts_with(daemon_scheme)) {
            fetch_from_daemon(archive, console);
            options.build_contexts[context_name] = "docker-archive://" + archive.native();
        } else if (source_.starts_with("oci-layout://") || source_.starts_with("docker-archive://")) {
            options.build_contexts[context_name] = source_;
        } else {
            throw Error(ErrorKind::usage, fmt::format("{} is no image that can be converted", quoted(source_)))
                .hint("give a name, oci-layout://PATH, docker-archive://PATH or docker-daemon://NAME");
        }
        return context_name;
    }

    void fetch_from_daemon(const std::filesystem::path& archive, const Console& console) const {
        const std::string reference = source_.substr(daemon_scheme.size());
        oci::Reference::parse(reference);
        const UniqueFd file = open_file(archive, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        SignalWatcher signals;
        with_context([&] { return fmt::format("fetching {}", quoted(source_)); },
                     [&] {
                         registry::save_from_daemon(registry::daemon_socket(console.env("DOCKER_HOST")), reference,
                                                    file.get(), signals.stop());
                     });
    }

    int build(build::BuildOptions& options, Console& console) const {
        const ProgressMode mode = quiet_ ? ProgressMode::quiet : progress_mode(progress_, console);
        // While there is one thread: triggers of the image may have commands.
        options.standard_output = [&](std::span<const std::byte> bytes) { console.out.write(as_text(bytes)); };
        NullSink nobody;
        build::PreparedBuild work = build::Build(options, nobody).prepare();
        SignalWatcher signals;
        build::BuildResult result;
        {
            auto progress = make_progress(mode, console);
            progress->start_ticking();
            result = std::move(work).run(*progress, signals.stop());
            progress->finish({0});
        }
        if (options.output) result.file = *options.output;
        if (uses_standard_output(options)) return 0;
        console.out.write(quiet_ ? build_identity(result) + "\n" : build_summary(options, result));
        if (!quiet_ && console.out.is_terminal() && !result.file.empty())
            console.out.write(paste_lines({result.sha3, std::filesystem::absolute(result.file), "", ""}));
        return 0;
    }

    std::string source_, platform_ = "linux/amd64", progress_ = "auto";
    std::vector<std::string> tags_;
    OutputSettings output_;
    Changes changes_;
    RegistrySettings registry_;
    ImageSettings image_;
    WorkSettings work_;
    bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_convert_command() { return std::make_unique<ConvertCommand>(); }

}  // namespace gbuild::cli
