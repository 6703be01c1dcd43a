#include <filesystem>
#include <map>

#include <unistd.h>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"
#include "gbuild/plan/remote_source.h"
#include "gbuild/sources/context_source.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;

constexpr size_t max_dockerfile = 16u << 20;

// "-", a URL or a git repository; what is a local path, whatever it looks like, is none of these.
bool is_fetched(const std::string& context) {
    std::error_code ignored;
    return context == "-" || (plan::is_remote_context(context) && !fs::exists(context, ignored));
}

fs::path context_directory(const std::string& context) {
    std::error_code error;
    fs::file_status status = fs::status(context, error);
    if (status.type() == fs::file_type::not_found) {
        Error missing(ErrorKind::not_found, fmt::format("the build context {} does not exist", quoted(context)));
        if (find_command(context))
            missing.hint(fmt::format("options go behind the command: gbuild {} OPTIONS", context));
        throw missing;
    }
    if (status.type() == fs::file_type::none) {
        throw system_error(error.value(), fmt::format("cannot use the build context {}", quoted(context)));
    }
    if (!fs::is_directory(status)) {
        throw Error(ErrorKind::usage, fmt::format("the build context {} is not a directory", quoted(context)))
            .hint("give the directory as CONTEXT and the Dockerfile with -f; an archive goes to standard input: - < "
                  "FILE");
    }
    return context;
}

// A pipe, as a shell's <(…) gives one.
bool is_stream(const std::string& file) {
    std::error_code ignored;
    const fs::file_status status = fs::status(file, ignored);
    return fs::is_fifo(status) || fs::is_character_file(status) || fs::is_socket(status);
}

struct Assignment {
    std::string name;
    std::optional<std::string> value;
};

Assignment parse_assignment(const std::string& option, const std::string& text) {
    size_t equals = text.find('=');
    if (text.empty() || equals == 0) {
        throw Error(ErrorKind::usage, fmt::format("{} {}: a name is missing", option, quoted(text)))
            .hint(fmt::format("write {} NAME=VALUE", option));
    }
    if (equals == std::string::npos) return {text, std::nullopt};
    return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace

namespace {

constexpr size_t max_arg_file = 1u << 20;

// Lines NAME=VALUE; empty ones and those that begin with # are left out.
void read_arg_file(const std::string& path, std::map<std::string, std::string>& args) {
    for (const std::string& line : split(read_text_file(path, max_arg_file), '\n')) {
        const std::string_view text = trim(line);
        if (text.empty() || text[0] == '#') continue;
        const size_t equals = text.find('=');
        if (equals == 0 || equals == std::string_view::npos) {
            throw Error(ErrorKind::usage,
                        fmt::format("--build-arg-file {}: {} is not NAME=VALUE", quoted(path), quoted(text)))
                .hint("write an argument to each line, without quotes; lines that begin with # are left out");
        }
        args[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    }
}

oci::Platform parse_platform(const std::string& text) {
    if (text.find(',') != std::string::npos) {
        throw Error(ErrorKind::usage, fmt::format("--platform {}: an image has one platform", quoted(text)))
            .hint("build once for each platform; providers of the Golem network run linux/amd64");
    }
    return with_context("reading --platform", [&] { return oci::Platform::parse(text); });
}

}  // namespace

void SourceSettings::declare(OptionSet& options) {
    options.argument(
        "CONTEXT", context, Presence::required,
        "what COPY and ADD take files from: a directory, URL.git[?QUERY][#REF[:DIR]], URL of an archive or a "
        "Dockerfile, or - for either on standard input");
    options.group("What is built");
    options.value("-f,--file", "PATH", file, "Dockerfile, or - for standard input (default: CONTEXT/Dockerfile)");
    options.list("--build-arg", "NAME[=VALUE]", build_args,
                 "value for an ARG; without a value it is taken from the environment; repeatable");
    options.list("--build-arg-file", "PATH", build_arg_files,
                 "build arguments, a line each as NAME=VALUE; --build-arg wins; repeatable");
    options.value("--ignorefile", "PATH", ignore_file,
                  "which files of the context do not exist for COPY and ADD (default: the Dockerfile's own "
                  ".dockerignore, then the context's)");
    options.value("--target", "STAGE", target, "stage to build, by name or number (default: the last one)");
    options.list("--label", "NAME=VALUE", labels, "label to set on the image; repeatable");
    options.value("--platform", "OS/ARCH[/VARIANT]", platform, "platform to take base images for");
    options.list("--build-context", "NAME=SOURCE", build_contexts,
                 "what FROM NAME and COPY --from=NAME mean: a directory, an archive, URL.git[?QUERY][#REF[:DIR]], URL "
                 "of an archive, "
                 "docker-image://REF, oci-layout://PATH[:TAG] or docker-archive://PATH[:TAG]; repeatable");
}

fs::path SourceSettings::named_after() const {
    if (!is_fetched(context)) return context;
    const auto remote = plan::parse_remote_context(context);
    if (!remote) return "image";
    const auto* git = std::get_if<plan::GitSource>(&*remote);
    std::string name =
        git ? git->url.substr(git->url.find_last_of("/:") + 1) : plan::file_name_of(std::get<plan::WebSource>(*remote));
    // "app.tar.gz", "app.git"
    for (std::string_view end : {".git", ".gz", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".txz"}) {
        if (name.ends_with(end)) name.resize(name.size() - end.size());
    }
    return name.empty() ? "image" : name;
}

void SourceSettings::apply(build::BuildOptions& build, const Console& console) const {
    if (is_fetched(context)) build.context_source = context;
    // Until it is fetched, what it is called gives the output its name.
    build.context = is_fetched(context) ? named_after() : context_directory(context);
    if (file == "-" && context == "-") {
        throw Error(ErrorKind::usage, "the context and the Dockerfile cannot both be standard input")
            .hint("leave out -f - to give a Dockerfile alone, or put it into the archive");
    }
    if (file == "-")
        build.dockerfile_text = read_text(STDIN_FILENO, max_dockerfile, "standard input");
    else if (is_stream(file)) {
        // It can be read but once.
        build.dockerfile_text = read_text_file(file, max_dockerfile);
        build.dockerfile_name = file;
    } else if (!file.empty())
        build.dockerfile = file;
    build.target = target;
    build.platform = parse_platform(platform);
    if (!ignore_file.empty()) {
        require_file("--ignorefile", ignore_file);
        build.ignore_file = ignore_file;
    }
    for (const std::string& path : build_arg_files) {
        require_file("--build-arg-file", path);
        read_arg_file(path, build.build_args);
    }
    for (const auto& text : build_args) {
        Assignment arg = parse_assignment("--build-arg", text);
        if (!arg.value) arg.value = console.env(arg.name);
        // As docker has it: a name that the environment does not know is as good as not given.
        if (arg.value) build.build_args[arg.name] = *arg.value;
    }
    for (const auto& text : labels) {
        Assignment label = parse_assignment("--label", text);
        build.labels[label.name] = label.value.value_or("");
    }
    for (const auto& text : build_contexts) {
        Assignment named = parse_assignment("--build-context", text);
        if (!named.value || named.value->empty()) {
            throw Error(ErrorKind::usage, fmt::format("--build-context {}: a source is missing", quoted(text)))
                .hint("write --build-context NAME=PATH, or NAME=oci-layout://PATH");
        }
        build.build_contexts[named.name] = *named.value;
    }
}

std::shared_ptr<build::FetchedContext> fetch_context(build::BuildOptions& options, EventSink& events) {
    if (options.context_source.empty()) return nullptr;
    options.registry.notice = [&](const std::string& message) { events.emit(Notice{message}); };
    auto fetched = build::fetch_context(options, options.run, options.store_root, events, {});
    options.registry.notice = {};
    return fetched;
}

}  // namespace gbuild::cli
