// An archive as a build context: its files in a directory on disk.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/rooted.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::layer {

// Creates every entry in `root`, which is empty, with its type, mode and contents; a later entry of the same path
// replaces an earlier one, missing parents are made 0755. Owners, mtimes and xattrs are left out, and the attributes of
// `root` itself stay as they are. Nothing is written through a symbolic link that leads outside. `stop` is looked at
// between entries. Throws integrity for a hard link to nothing, unsupported for a device node, which not everybody can
// make; io, no_space, interrupted, and what the stream throws. `root` may then hold anything.
// Returns the names of files whose file capability was left out.
std::vector<std::string> unpack(tree::EntryStream& entries, const RootedDir& root, const std::stop_token& stop);

}  // namespace gbuild::layer
