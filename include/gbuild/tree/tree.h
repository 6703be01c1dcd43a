// The image's file tree: layer trees merged as the OCI image specification says (layer.md, "Applying Changesets"), with
// look-ups that resolve symbolic links inside the tree.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/tree/inode.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::tree {

// A name in a directory. Hard links are nodes that share one inode. Inodes of a tree that others may share (copies of
// the tree) are never modified in place: Tree replaces them.
struct Node {
    std::shared_ptr<const Inode> inode;
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;  // unsigned byte order; directories only

    bool is_directory() const { return inode->is_directory(); }
};

enum class FollowLast { no, yes };

class Tree {
  public:
    // Only the root: a directory, 0755, 0:0, mtime 0.
    Tree();
    Tree(Tree&&) noexcept = default;
    Tree& operator=(Tree&&) noexcept = default;
    // A deep copy of the names; inodes are shared.
    Tree clone() const;

    const Node& root() const { return *root_; }

    // Merges a layer over what is there: whiteouts and opaque markers first, then the entries in order. Directory over
    // directory keeps the children and takes the new attributes; anything else replaces. Missing parents appear as 0755
    // 0:0. A parent that is a symbolic link is followed inside the root, except by a whiteout when the layer itself
    // puts something in the link's place; a parent of any other type is replaced by a directory. Throws integrity: a
    // root entry that is not a directory, a hard link to nothing or to a directory, too many symbolic links; limit:
    // more than 2048 directories deep. The tree is unspecified after an exception.
    void apply(LayerTree layer);
    // The same, entry by entry: `layer` is called up to three times, and the entries of its last call are moved from.
    void apply(const LayerVisit& layer);

    // The node at `path` (absolute or relative to the root; "." and ".." are resolved, never above the root); nullptr
    // when there is none. Symbolic links on the way are followed inside the tree, the last component only if asked.
    // Throws integrity after 40 links.
    const Node* find(std::string_view path, FollowLast follow) const;

    // The image path that `path` stands for when symbolic links are followed in the tree, the last component included
    // if asked. The tail that does not exist yet is taken as it is (".." in it resolved by text). So apply() of an
    // entry at the result lands where the kernel would have put it. Throws integrity after 40 links.
    std::string resolve(std::string_view path, FollowLast follow) const;

    // Calls `visit(path, node)` for every node, parents before children, children in unsigned byte order. The root has
    // path "".
    void walk(const std::function<void(const std::string& path, const Node& node)>& visit) const;

    // Number of nodes, the root included.
    size_t size() const;

  private:
    std::unique_ptr<Node> root_;
};

}  // namespace gbuild::tree
