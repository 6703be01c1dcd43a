// Layer entries in one line each, and a tree as text.
#pragma once

#include <fmt/format.h>

#include <string>

#include "gbuild/tree/tree.h"

namespace gbuild::tree {

inline LayerEntry entry_of(std::string path, FileType type, uint16_t mode) {
    LayerEntry entry;
    entry.path = std::move(path);
    entry.inode.type = type;
    entry.inode.mode = mode;
    return entry;
}
inline LayerEntry directory(std::string path, uint16_t mode = 0755) {
    return entry_of(std::move(path), FileType::directory, mode);
}
// Files are told apart by their size.
inline LayerEntry file(std::string path, uint64_t size = 0) {
    LayerEntry entry = entry_of(std::move(path), FileType::regular, 0644);
    entry.inode.size = size;
    return entry;
}
inline LayerEntry symlink(std::string path, std::string target) {
    LayerEntry entry = entry_of(std::move(path), FileType::symlink, 0777);
    entry.inode.target = std::move(target);
    return entry;
}
inline LayerEntry other(EntryKind kind, std::string path, std::string target = {}) {
    LayerEntry entry;
    entry.kind = kind;
    entry.path = std::move(path);
    entry.target = std::move(target);
    return entry;
}
inline LayerEntry hard_link(std::string path, std::string target) {
    return other(EntryKind::hard_link, std::move(path), std::move(target));
}
inline LayerEntry whiteout(std::string path) { return other(EntryKind::whiteout, std::move(path)); }
inline LayerEntry opaque(std::string path) { return other(EntryKind::opaque, std::move(path)); }

inline Tree tree_of(std::initializer_list<LayerTree> layers) {
    Tree tree;
    for (const LayerTree& layer : layers) tree.apply(layer);
    return tree;
}

// "a/ a/f=3 l->a": every node below the root.
inline std::string listing(const Tree& tree) {
    std::string text;
    tree.walk([&](const std::string& path, const Node& node) {
        if (path.empty()) return;
        if (!text.empty()) text += ' ';
        text += path;
        switch (node.inode->type) {
        case FileType::directory: text += '/'; break;
        case FileType::regular: text += fmt::format("={}", node.inode->size); break;
        case FileType::symlink: text += "->" + node.inode->target; break;
        default: text += '!';
        }
    });
    return text;
}

}  // namespace gbuild::tree
