// What an entry's name in a layer means: a path, or a whiteout of one (image-spec, layer.md, "Whiteouts").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gbuild/layer/tar_stream.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::layer {

struct EntryPath {
    tree::EntryKind kind = tree::EntryKind::inode;  // inode, whiteout or opaque
    std::string path;
};

// nullopt for the bookkeeping of AUFS (".wh..wh.plnk" and so on), which is no part of the image. Throws integrity,
// limit.
std::optional<EntryPath> interpret_name(std::string_view name, Whiteouts whiteouts);

}  // namespace gbuild::layer
