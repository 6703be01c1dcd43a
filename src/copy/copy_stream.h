// New contents on their way from a context into a pack, checked against what they were when the step was planned.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "copy_destination.h"
#include "gbuild/copy/copy_source.h"

namespace gbuild::build {

// Where the entries of archives go, and how they are changed.
struct UnpackOptions {
    std::optional<tree::Owner> owner;
    int64_t epoch = 0;              // newer mtimes become this
    std::string directory;          // image path
    tree::LayerTree links;          // those that the image has below the directory; see ArchivePaths
    bool explicit_parents = false;  // of entries, whatever the image has; see ExplicitParents
};

// Reads the contents of `parts`, fills in their digests, and hashes everything that the stream made of them will yield.
// Throws integrity for a file that has not the size it had.
Digest hash_contents(std::vector<CopyPart>& parts, const UnpackOptions& unpack);

// `parts` must have gone through hash_contents(). Keeps `hold` for as long as it is there.
std::unique_ptr<tree::EntryStream> stream_parts(std::vector<CopyPart> parts, const UnpackOptions& unpack,
                                                std::vector<std::shared_ptr<const ContextDir>> hold);

// True when the file, inflated, begins with a tar header: docker unpacks that.
bool holds_archive(const ContextDir& context, const std::string& path);

}  // namespace gbuild::build
