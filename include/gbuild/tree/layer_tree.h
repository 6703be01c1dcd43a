// What one layer changes: entries in the order of the layer, with whiteouts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "gbuild/tree/inode.h"

namespace gbuild::tree {

enum class EntryKind : uint8_t {
    inode,      // a file, directory, … of its own
    hard_link,  // another name of the file at `target`, in this layer or below
    whiteout,   // hides `path` of the layers below
    opaque,     // hides everything below the directory `path` in the layers below
};

// `path` and `target` are image paths: components joined by "/", none of them empty, "." or "..", no leading or
// trailing "/"; "" is the root. They are bytes, not UTF-8.
struct LayerEntry {
    EntryKind kind = EntryKind::inode;
    std::string path;
    std::string target;  // hard_link only
    Inode inode;         // inode only
};

// Order matters only between entries of the same path (the last wins) and for hard links to paths of the same layer
// (the target stands before the link). Whiteouts and opaque markers act on lower layers only, wherever they stand.
using LayerTree = std::vector<LayerEntry>;

// A layer that is nowhere whole: passes its entries to `take`, in order, the same ones at every call.
using LayerVisit = std::function<void(const std::function<void(LayerEntry&&)>& take)>;

// Normalises a path from outside ("./a//b/", "/a/b") to an image path. Throws integrity when ".." would leave the root
// ("a/../b" is accepted) or when a NUL is inside, limit for a component beyond 255 bytes or a path beyond 4096.
std::string normalize_path(std::string_view path);

// A layer as it is read: entries with the contents of regular files.
class EntryStream {
  public:
    virtual ~EntryStream() = default;
    // The next entry; false at the end, by when the underlying stream has been read to its end and verified. For a
    // regular file inode.size is set and inode.content is empty. Contents not read are skipped.
    virtual bool next(LayerEntry& entry) = 0;
    // The next bytes of the current regular file, exactly as many as `out` holds; the caller never asks for more than
    // are left of inode.size. Holes read as zeros.
    virtual void read(std::span<std::byte> out) = 0;
    // How many of the bytes that follow are known to be zeros without a look at them, and no more than are left.
    virtual uint64_t zeros() { return 0; }
    // Passes over as many of them, as if they had been read.
    virtual void skip_zeros(uint64_t /*count*/) {}
};

}  // namespace gbuild::tree
