#include <filesystem>
#include <map>

#include <unistd.h>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/command.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;

constexpr size_t max_dockerfile = 16u << 20;

[[noreturn]] void refuse_remote_context(const std::string& context) {
    throw Error(ErrorKind::unsupported, fmt::format("the build context {} is not a local directory", quoted(context)))
        .hint("fetch it first, then give its directory");
}

fs::path context_directory(const std::string& context) {
    bool remote = context.find("://") != std::string::npos || context.rfind("git@", 0) == 0;
    if (remote || context == "-") refuse_remote_context(context);
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
            .hint("give the directory as CONTEXT and the Dockerfile with -f");
    }
    return context;
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

void SourceSettings::declare(OptionSet& options) {
    options.argument("CONTEXT", context, Presence::required, "directory that COPY and ADD take files from");
    options.group("What is built");
    options.value("-f,--file", "PATH", file, "Dockerfile, or - for standard input (default: CONTEXT/Dockerfile)");
    options.list("--build-arg", "NAME[=VALUE]", build_args,
                 "value for an ARG; without a value it is taken from the environment; repeatable");
    options.value("--target", "STAGE", target, "stage to build, by name or number (default: the last one)");
    options.list("--label", "NAME=VALUE", labels, "label to set on the image; repeatable");
    options.value("--platform", "OS/ARCH[/VARIANT]", platform, "platform to take base images for");
    options.list(
        "--build-context", "NAME=SOURCE", build_contexts,
        "what FROM NAME and COPY --from=NAME mean: a directory, docker-image://REF, oci-layout://PATH[:TAG] or "
        "docker-archive://PATH[:TAG]; repeatable");
}

void SourceSettings::apply(build::BuildOptions& build, const Console& console) const {
    build.context = context_directory(context);
    if (file == "-")
        build.dockerfile_text = read_text(STDIN_FILENO, max_dockerfile, "standard input");
    else if (!file.empty())
        build.dockerfile = file;
    build.target = target;
    build.platform = with_context("reading --platform", [&] { return oci::Platform::parse(platform); });
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

}  // namespace gbuild::cli
