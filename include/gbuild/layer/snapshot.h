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
    Ownership ownership = Ownership::apply;  // apply: owners are the files' own; record: see base/recorded_owner.h
    // Owners of symbolic links, FIFOs and sockets, record only: by inode, and by path, which counts more.
    std::span<const NodeRecord> records = {};
    std::span<const PathRecord> path_records = {};
    const tree::Tree& before;  // what the directory was written from
    int64_t epoch = 0;         // upper bound for the mtimes of what changed
    // Delivers the contents of a file of `before`.
    std::function<void(const tree::Inode&, const std::function<void(std::span<const std::byte>)>&)> read;
    // What has an older ctime than this is as it was written; 0: nothing is known to be.
    timespec changed_since = {};
};

// To be applied one after the other, `ready` first.
struct Snapshot {
    // Whiteouts, opaque markers, entries without contents, and files whose contents are those of a file of `before`.
    tree::LayerTree ready;
    // Files with new contents, sorted by path, and hard links to them; null when there are none. Holds the directory
    // open; reads each file when it comes to it.
    std::unique_ptr<tree::EntryStream> to_pack;
};

// Compares the directory with `before`. An entry that is as it was (attributes, and contents byte by byte when they may
// have changed) is no change, whether the file system copied it up or not, so that the result depends on nothing but
// what the files are. Times later than the epoch become the epoch, on disk, too: a later command sees what the image
// will have. Entries that squashfs cannot hold are errors that name the path. Throws io, unsupported, limit.
Snapshot take_snapshot(const SnapshotRequest& request);

}  // namespace gbuild::layer
