// What a build reads from the user's disk before it starts: the Dockerfile, ignore rules, contexts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/copy/copy_source.h"
#include "gbuild/dockerfile/ast.h"
#include "gbuild/dockerfile/ignore.h"
#include "gbuild/plan/remote_source.h"
#include "gbuild/sources/source_options.h"

namespace gbuild::build {

// --build-context NAME=…, taken apart.
struct DirectoryContext {
    std::filesystem::path path;
    Origin origin = Origin::here;
};
struct ArchiveContext {  // a file
    std::filesystem::path path;
};
struct RemoteContext {  // a URL or a repository
    plan::RemoteSource source;
};
struct ScratchContext {};  // docker-image://scratch
struct RegistryContext {   // docker-image://
    std::string reference;
};
struct OciLayoutContext {  // oci-layout://PATH[:TAG | @DIGEST]
    std::string path, reference;
};
struct DockerArchiveContext {  // docker-archive://PATH[:NAME:TAG]
    std::string path, reference;
};
using NamedContext = std::variant<DirectoryContext, ArchiveContext, RemoteContext, ScratchContext, RegistryContext,
                                  OciLayoutContext, DockerArchiveContext>;

constexpr size_t max_dockerfile_size = 16u << 20;

// Whether it has files for COPY --from, rather than being an image.
bool has_files(const NamedContext& context);

// Throws usage for an unknown scheme, not_found for a path where nothing is.
NamedContext parse_named_context(const std::string& name, const std::string& value);

// Parses the Dockerfile that the options name. Throws not_found with where it was looked for, dockerfile: then
// `until_error` has the warnings about what stands before the error.
dockerfile::Dockerfile load_dockerfile(const SourceOptions& options, std::vector<Warning>& until_error);

// The --ignorefile, else <Dockerfile>.dockerignore, else .dockerignore in the context; empty rules when there is none.
dockerfile::IgnoreRules load_ignore_rules(const SourceOptions& options);

// The build context with its ignore rules: <Dockerfile>.dockerignore, else .dockerignore in it. `written` are the files
// that the build writes, wherever they are.
std::unique_ptr<ContextDir> open_build_context(const SourceOptions& options,
                                               const std::vector<std::filesystem::path>& written);
// A named directory, with its own .dockerignore.
std::unique_ptr<ContextDir> open_directory_context(const std::string& name, const DirectoryContext& context,
                                                   const std::vector<std::filesystem::path>& written);

}  // namespace gbuild::build
