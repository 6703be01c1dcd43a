// What commands did to a directory, as changes to the tree it was written from.
#pragma once

#include <time.h>

#include <functional>
#include <memory>
#include <span>

#include "gbuild/base/recorded_owner.h"
#include "gbuild/base/rooted.h"
#include "gbuild/layer/extract.h"
#include "gbuild/tree/layer_tree.h"
#include "gbuild/tree/tree.h"

namespace gbuild::layer {

enum class DirectoryForm {
    whole,    // all of the tree
    overlay,  // overlayfs's upper or lower layer: changes, with whiteouts (char device 0:0) and user.overlay.opaque=y
};

struct SnapshotRequest {
    const RootedDir& directory;
    DirectoryForm form = DirectoryForm::overlay;
    // How the directory was written. apply: owners are the files' own; record: see base/recorded_owner.h. Devices and
    // privileged attributes that were recorded are understood either way. Not ignore.
    Ownership ownership = Ownership::apply;
    // Owners of symbolic links, FIFOs and sockets, record only: by inode, and by path, which counts more.
    std::span<const NodeRecord> records = {};
    std::span<const PathRecord> path_records = {};
    const tree::Tree& before;  // what the directory was written from
    int64_t epoch = 0;         // upper bound for the mtimes of what changed
    // Delivers the contents of a file of `before`.
    std::function<void(const tree::Inode&, const TakeRun&)> read;
    // Files with an older ctime than this have the contents that they were written with; 0: nothing is known to have.
    timespec changed_since = {};
};

// To be applied one after the other, `ready` first. Both are sorted by path, component by component.
struct Snapshot {
    // Whiteouts, entries without contents, files whose contents are those of a file of `before`, and hard links to
    // these or to files that did not change.
    tree::LayerTree ready;
    // Files with new contents, and hard links to them; null when there are none. Holds the directory open; reads each
    // file when it comes to it, and throws integrity when that is not the one that was seen.
    std::unique_ptr<tree::EntryStream> to_pack;
};

// Compares the directory with `before`. An entry that is as it was (attributes, and contents byte by byte when they may
// have changed) is no change, whether the file system copied it up or not, so that the result depends on nothing but
// what the files are: a directory that was removed and made anew is compared with the old one, and there are no opaque
// markers. A file of several names of which some are in an overlay layer is compared under these. Labels that the host
// gives to every file, access control lists and what overlayfs notes for itself are no part of an image.
//
// A file has the mtime it had when that has not changed, else the earlier of its own and the epoch, which is then set
// on disk, too: a later command sees what the image will have. Entries that squashfs cannot hold are errors that name
// the path. Nothing may work in the directory until the snapshot is gone. Needs a descriptor for each level of
// directories. Throws io, unsupported, limit, and what `read` throws.
Snapshot take_snapshot(const SnapshotRequest& request);

}  // namespace gbuild::layer
