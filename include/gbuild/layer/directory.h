// Keeping a directory on disk in step with a tree.
#pragma once

#include "gbuild/base/rooted.h"
#include "gbuild/layer/extract.h"
#include "gbuild/layer/snapshot.h"
#include "gbuild/tree/tree.h"

namespace gbuild::layer {

// `directory` shows `from` (form whole: it holds it; form overlay: it is a layer above others that together show it,
// and may be empty). Afterwards it shows `to`. Inodes that both trees share are taken to be equal. The directory's own
// attributes are set in any case. Nothing may be mounted on it or work in it meanwhile. `options` must be those that
// the directory was written with, and are of a directory for commands. Throws as extract() does; the directory is then
// unusable.
void write_difference(const tree::Tree& from, const tree::Tree& to, const RootedDir& directory, DirectoryForm form,
                      const ExtractOptions& options);

// Moves what is in `upper` into `lower`, both overlay layers on one file system, so that `lower` alone shows what the
// two did, its own attributes included. `upper` is empty afterwards. Takes time in the number of entries, not of bytes;
// what overlayfs notes for itself about entries that are moved whole stays with them, and means nothing in a layer that
// is not the upper one. Throws io; both are then unusable.
void merge_down(const RootedDir& upper, const RootedDir& lower);

// Gives the directory itself the attributes of the tree's root: overlayfs shows those of its topmost layer.
void copy_root_attributes(const tree::Tree& tree, const RootedDir& directory, const ExtractOptions& options);

}  // namespace gbuild::layer
