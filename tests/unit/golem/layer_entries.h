// Entries of a layer, for trees to test on.
#pragma once

#include "gbuild/tree/layer_tree.h"

namespace gbuild::golem {

inline tree::LayerEntry directory(std::string path, uint16_t mode = 0755) {
    tree::Inode inode;
    inode.mode = mode;
    inode.mtime = 1;
    return {tree::EntryKind::inode, std::move(path), "", std::move(inode)};
}

inline tree::LayerEntry file(std::string path, uint64_t size = 5, uint16_t mode = 0755) {
    tree::Inode inode;
    inode.type = tree::FileType::regular;
    inode.mode = mode;
    inode.mtime = 1;
    inode.size = size;
    return {tree::EntryKind::inode, std::move(path), "", std::move(inode)};
}

inline tree::LayerEntry link_at(std::string path, std::string target) {
    tree::Inode inode;
    inode.type = tree::FileType::symlink;
    inode.mode = 0777;
    inode.target = std::move(target);
    return {tree::EntryKind::inode, std::move(path), "", std::move(inode)};
}

}  // namespace gbuild::golem
