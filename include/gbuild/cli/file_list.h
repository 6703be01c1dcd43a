// Files of an image as `gbuild ls` lists them.
#pragma once

#include <functional>
#include <string>

#include "gbuild/cli/json_text.h"
#include "gbuild/tree/tree.h"

namespace gbuild::cli {

// "drwxr-xr-x": setuid, setgid and sticky as ls shows them.
std::string mode_text(const tree::Inode& inode);

// "-rw-r--r-- 0/0             1234 2024-05-01 12:00 /etc/passwd", times in UTC, " -> target" for a symbolic link,
// "major, minor" in place of a device's size. `path` is an image path.
std::string file_line(const std::string& path, const tree::Inode& inode);

// path, type, mode ("0755"), uid, gid, size, mtime; target, device, xattrs (names) where there are any.
Json file_json(const std::string& path, const tree::Inode& inode);

enum class Depth { children, all };

// Calls `visit` for a file, for the children of a directory, or for all below it (parents first); paths are image
// paths.
void list_files(const tree::Node& node, const std::string& path, Depth depth,
                const std::function<void(const std::string& path, const tree::Inode& inode)>& visit);

// The node at `path` ("" or "/" is the root), and its image path. Throws not_found.
struct FoundNode {
    const tree::Node& node;
    std::string path;
};
FoundNode find_node(const tree::Tree& tree, const std::string& path, tree::FollowLast follow, const std::string& image);

}  // namespace gbuild::cli
