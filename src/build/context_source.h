// Build contexts that are no directories yet: archives, downloads and repositories become directories of the store.
#pragma once

#include <filesystem>
#include <string>

#include "inputs.h"
#include "remote_sources.h"

namespace gbuild::build {

// Unpacks an archive (tar, plain or compressed) into a new directory. `what` is for messages. Throws integrity,
// unsupported, limit, io, interrupted.
std::filesystem::path unpack_context(std::unique_ptr<ByteSource> archive, const std::string& what,
                                     RemoteSources& sources, const std::stop_token& stop);

// The directory of a named context that is an archive or elsewhere.
DirectoryContext fetch_named_context(const std::string& name, const NamedContext& context, RemoteSources& sources,
                                     const std::stop_token& stop);

}  // namespace gbuild::build
