// Build contexts that are no directories yet: archives, downloads and repositories become directories of the store.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "gbuild/sources/inputs.h"
#include "gbuild/sources/remote_sources.h"

namespace gbuild::build {

// Unpacks an archive (tar, plain or compressed) into a new directory. `what` is for messages. Throws integrity,
// unsupported, limit, io, interrupted.
std::filesystem::path unpack_context(std::unique_ptr<ByteSource> archive, const std::string& what,
                                     RemoteSources& sources, const std::stop_token& stop);

// The files of a context that was fetched, in the store; gone with it.
struct FetchedContext;

// Makes a directory of options.context_source: "-" (an archive or a Dockerfile on standard input), a git repository, or
// a URL of an archive or a Dockerfile (plan/remote_source.h). Enters it into `options`, a Dockerfile as
// `dockerfile_text`; all but `store_root` must outlive the result. To be called while the process has one thread: the
// build may have to move it into a user namespace. Throws usage when the Dockerfile is given twice; what fetching and
// unpacking throw.
std::shared_ptr<FetchedContext> fetch_context(SourceOptions& options, const Credentials& credentials,
                                              const std::filesystem::path& store_root, EventSink& events,
                                              const std::stop_token& stop);

// The directory of a named context that is an archive or elsewhere.
DirectoryContext fetch_named_context(const std::string& name, const NamedContext& context, RemoteSources& sources,
                                     const std::stop_token& stop);

}  // namespace gbuild::build
