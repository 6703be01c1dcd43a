#include "gbuild/sources/inputs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/dockerfile/parser.h"

namespace gbuild::build {

namespace fs = std::filesystem;

namespace {

// "PATH:TAG" or "PATH@sha256:…" into path and reference. A colon counts only behind the last "/", so that a path may
// hold colons; an existing file wins over any splitting.
template <class Context>
Context split_archive(std::string_view rest) {
    std::string path(rest);
    std::error_code ignored;
    if (fs::exists(path, ignored)) return {path, ""};
    if (size_t at = path.find("@sha256:"); at != std::string::npos) return {path.substr(0, at), path.substr(at + 1)};
    // The reference may have a "/" of its own (docker-archive://base.tar:team/app:1), so the first colon behind which
    // everything before is an existing file decides.
    for (size_t colon = path.find(':'); colon != std::string::npos; colon = path.find(':', colon + 1)) {
        if (fs::exists(path.substr(0, colon), ignored)) return {path.substr(0, colon), path.substr(colon + 1)};
    }
    return {path, ""};
}

// O_NONBLOCK: opening a pipe that nobody writes to must not hang the build.
std::string read_regular_file(const fs::path& path) {
    UniqueFd fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) throw_errno(fmt::format("cannot stat {}", quoted(path.native())));
    if (!S_ISREG(st.st_mode)) {
        throw Error(ErrorKind::dockerfile, fmt::format("{} is not a regular file", quoted(path.native())))
            .hint("remove it, or put a text file in its place");
    }
    return read_text(fd.get(), max_dockerfile_size, quoted(path.native()));
}

// A file that cannot lead out of its context; nullopt when there is none.
std::optional<std::string> read_inside(const fs::path& context, const std::string& path) {
    const auto fd = RootedDir(context).try_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd) return std::nullopt;
    struct stat st;
    if (::fstat(fd->get(), &st) != 0) throw_errno(fmt::format("cannot stat {}", quoted(path)));
    if (!S_ISREG(st.st_mode)) {
        throw Error(ErrorKind::dockerfile, fmt::format("{} in the build context is not a regular file", quoted(path)))
            .hint("name another Dockerfile of the context with -f");
    }
    return read_text(fd->get(), max_dockerfile_size, quoted(path));
}

constexpr const char* default_name = "Dockerfile";

// The same as in_either_case(), in a context that nothing may lead out of.
fs::path path_inside(const SourceOptions& options) {
    fs::path path = options.dockerfile.value_or(default_name).lexically_normal();
    if (path.filename() != default_name || read_inside(options.context, path.native())) return path;
    const fs::path lower = fs::path(path).replace_filename(to_lower(default_name));
    return read_inside(options.context, lower.native()) ? lower : path;
}

// Other builders' name, and what -f was likely meant to be.
std::string hint_for_missing(const fs::path& context, const fs::path& path) {
    constexpr const char* other = "Containerfile";
    std::error_code ignored;
    const fs::path directory = path.is_absolute() ? path.parent_path() : context / path.parent_path();
    if (path.filename() == default_name && fs::exists(directory / other, ignored)) {
        const fs::path named = path.parent_path() / other;
        return fmt::format("there is a Containerfile: give it with -f {}", printable(named.native()));
    }
    return path.filename() == default_name ? "create it, or name another file with -f"
                                           : "check the path that -f gives: it is looked up here, then in the context";
}

// Wins over the directive in the file.
std::optional<std::string> check_of(const SourceOptions& options) {
    const auto found = options.build_args.find("BUILDKIT_DOCKERFILE_CHECK");
    return found == options.build_args.end() ? std::nullopt : std::optional(found->second);
}

dockerfile::Dockerfile load_from_inside(const SourceOptions& options, std::vector<Warning>& until_error) {
    const fs::path path = path_inside(options);
    const auto text = read_inside(options.context, path.native());
    if (!text) {
        throw Error(ErrorKind::not_found, fmt::format("the build context has no {}", quoted(path.native())))
            .hint(hint_for_missing(options.context, path));
    }
    return dockerfile::parse(*text, path.native(), check_of(options), until_error);
}

// What there is of a Dockerfile and one in lower case, as docker has it.
fs::path in_either_case(const fs::path& path) {
    std::error_code ignored;
    if (path.filename() != default_name || fs::exists(path, ignored)) return path;
    const fs::path lower = fs::path(path).replace_filename(to_lower(default_name));
    return fs::exists(lower, ignored) ? lower : path;
}

fs::path find_dockerfile(const SourceOptions& options) {
    if (!options.dockerfile) return in_either_case(options.context / default_name);
    std::error_code ignored;
    fs::path here = in_either_case(*options.dockerfile);
    if (fs::exists(here, ignored) || here.is_absolute()) return here;
    const fs::path in_context = in_either_case(options.context / *options.dockerfile);
    return fs::exists(in_context, ignored) ? in_context : here;
}

void require_directory(const fs::path& path, const std::string& what) {
    std::error_code error;
    auto status = fs::status(path, error);
    if (!fs::exists(status)) {
        throw Error(ErrorKind::not_found, fmt::format("{} {} does not exist", what, quoted(path.native())))
            .hint("give the directory that COPY and ADD read from, for example \".\"");
    }
    if (!fs::is_directory(status)) {
        throw Error(ErrorKind::usage, fmt::format("{} {} is not a directory", what, quoted(path.native())))
            .hint("give the directory, and the Dockerfile with -f");
    }
}

// Those of `files` that are in `directory`, as paths below it.
std::set<std::string, std::less<>> files_below(const fs::path& directory, const std::vector<fs::path>& files) {
    std::set<std::string, std::less<>> below;
    const fs::path root = fs::canonical(directory);
    for (const fs::path& file : files) {
        if (file.empty()) continue;
        // The file need not be there; its directory is.
        const fs::path parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
        const fs::path relative = (fs::weakly_canonical(parent) / file.filename()).lexically_relative(root);
        if (!relative.empty() && *relative.begin() != "..") below.insert(relative.native());
    }
    return below;
}

std::unique_ptr<ContextDir> open_inside(const fs::path& directory, const std::string& dockerfile) {
    dockerfile::IgnoreRules ignore;
    for (const std::string& file : {dockerfile, std::string()}) {
        const std::string name = file + ".dockerignore";
        const auto text = read_inside(directory, name);
        if (!text) continue;
        ignore = dockerfile::IgnoreRules::parse(*text, name);
        break;
    }
    return std::make_unique<ContextDir>(RootedDir(directory), ContextRules(std::move(ignore)));
}

dockerfile::IgnoreRules ignore_rules(const fs::path& directory, const fs::path& preferred) {
    for (const fs::path& file : {preferred, directory / ".dockerignore"}) {
        std::error_code ignored;
        if (file.empty() || !fs::exists(file, ignored)) continue;
        return dockerfile::IgnoreRules::parse(read_regular_file(file), file.native());
    }
    return {};
}

// The ignore file that belongs to the Dockerfile; empty when that has no name.
fs::path own_ignore_file(const SourceOptions& options) {
    if (options.dockerfile_text) return {};
    fs::path own = find_dockerfile(options);
    own += ".dockerignore";
    return own;
}

// The one that was asked for by name: it has to be there.
std::optional<dockerfile::IgnoreRules> given_ignore_rules(const SourceOptions& options) {
    if (!options.ignore_file) return std::nullopt;
    return dockerfile::IgnoreRules::parse(read_text_file(*options.ignore_file, max_dockerfile_size),
                                          options.ignore_file->native());
}

std::unique_ptr<ContextDir> open_with_ignore(const fs::path& directory, const fs::path& preferred,
                                             const std::vector<fs::path>& written) {
    return std::make_unique<ContextDir>(
        RootedDir(directory), ContextRules(ignore_rules(directory, preferred), files_below(directory, written)));
}

}  // namespace

NamedContext parse_named_context(const std::string& name, const std::string& value) {
    auto after = [&](std::string_view scheme) -> std::optional<std::string_view> {
        if (!value.starts_with(scheme)) return std::nullopt;
        return std::string_view(value).substr(scheme.size());
    };
    if (auto rest = after("docker-image://")) {
        if (*rest == "scratch") return ScratchContext{};
        return RegistryContext{std::string(*rest)};
    }
    if (auto rest = after("oci-layout://")) return split_archive<OciLayoutContext>(*rest);
    if (auto rest = after("docker-archive://")) return split_archive<DockerArchiveContext>(*rest);
    std::error_code ignored;
    const fs::file_status status = fs::status(value, ignored);
    if (fs::is_regular_file(status)) return ArchiveContext{value};
    if (!fs::exists(status)) {
        auto remote = with_context([&] { return fmt::format("build context {}", quoted(name)); },
                                   [&] { return plan::parse_remote_context(value); });
        if (remote) return RemoteContext{std::move(*remote)};
    }
    if (size_t scheme = value.find("://"); scheme != std::string::npos) {
        throw Error(ErrorKind::usage, fmt::format("build context {} has an unknown kind {}", quoted(name),
                                                  quoted(value.substr(0, scheme + 3))))
            .hint(
                "give a directory, an archive, a URL, docker-image://REF, oci-layout://PATH or docker-archive://PATH");
    }
    require_directory(value, fmt::format("build context {}:", quoted(name)));
    return DirectoryContext{value};
}

bool has_files(const NamedContext& context) {
    return std::holds_alternative<DirectoryContext>(context) || std::holds_alternative<ArchiveContext>(context) ||
           std::holds_alternative<RemoteContext>(context);
}

dockerfile::Dockerfile load_dockerfile(const SourceOptions& options, std::vector<Warning>& until_error) {
    require_directory(options.context, "build context");
    if (options.dockerfile_text) {
        return dockerfile::parse(*options.dockerfile_text, options.dockerfile_name, check_of(options), until_error);
    }
    if (options.origin == Origin::elsewhere) return load_from_inside(options, until_error);
    fs::path path = find_dockerfile(options);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
        throw Error(ErrorKind::not_found, fmt::format("there is no Dockerfile at {}", quoted(path.native())))
            .hint(hint_for_missing({}, path));
    }
    if (fs::is_directory(path, ignored)) {
        const fs::path inside = in_either_case(path / default_name);
        throw Error(ErrorKind::usage, fmt::format("{} is a directory, not a Dockerfile", quoted(path.native())))
            .hint(fmt::format("name the file itself: -f {}", printable(inside.lexically_normal().native())));
    }
    // -f may name a pipe (/dev/stdin, a shell's <(…)), but what lies in a context may be anybody's.
    bool in_context = !options.dockerfile || !files_below(options.context, {path}).empty();
    std::string text = in_context ? read_regular_file(path) : read_text_file(path, max_dockerfile_size);
    // A Dockerfile of the current directory is shown by its bare name, as people and editors write it.
    return dockerfile::parse(text, path.lexically_normal().native(), check_of(options), until_error);
}

dockerfile::IgnoreRules load_ignore_rules(const SourceOptions& options) {
    if (auto given = given_ignore_rules(options)) return std::move(*given);
    return ignore_rules(options.context, own_ignore_file(options));
}

std::unique_ptr<ContextDir> open_build_context(const SourceOptions& options, const std::vector<fs::path>& written) {
    require_directory(options.context, "build context");
    if (auto given = given_ignore_rules(options)) {
        std::set<std::string, std::less<>> outputs;
        if (options.origin == Origin::here) outputs = files_below(options.context, written);
        return std::make_unique<ContextDir>(RootedDir(options.context),
                                            ContextRules(std::move(*given), std::move(outputs)));
    }
    if (options.origin == Origin::elsewhere) {
        return open_inside(options.context, options.dockerfile_text ? "" : path_inside(options).native());
    }
    return open_with_ignore(options.context, own_ignore_file(options), written);
}

std::unique_ptr<ContextDir> open_directory_context(const std::string& name, const DirectoryContext& context,
                                                   const std::vector<fs::path>& written) {
    require_directory(context.path, fmt::format("build context {}:", quoted(name)));
    if (context.origin == Origin::elsewhere) return open_inside(context.path, "");
    return open_with_ignore(context.path, {}, written);
}

}  // namespace gbuild::build
