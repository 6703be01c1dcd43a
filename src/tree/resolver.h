// Walking a path through a tree as the kernel does, symbolic links included, never above the root.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/tree/tree.h"

namespace gbuild::tree {

struct Resolution {
    // What the path stands for, without symbolic links.
    std::string path;
    const Node* node = nullptr;  // nullptr when there is nothing at `path`
    // The path went on through something that is no directory, or out of it with "..": the kernel would have said no.
    bool detoured = false;
};

// Asked before a symbolic link on the way is followed; `path` is the link's own. False ends the walk with no node.
using MayFollow = std::function<bool(const std::string& path)>;

// Throws integrity after 40 links.
Resolution resolve_in(const Node& root, std::string_view path, FollowLast follow, const MayFollow& may_follow = {});

// Takes the first component off `rest`, and the slashes around it. "" at the end.
std::string_view take_component(std::string_view& rest);

}  // namespace gbuild::tree
