#include "gbuild/tree/tree.h"

#include "resolver.h"

namespace gbuild::tree {
namespace {

std::unique_ptr<Node> clone_node(const Node& node) {
    auto copy = std::make_unique<Node>();
    copy->inode = node.inode;
    for (const auto& [name, child] : node.children) {
        copy->children.emplace_hint(copy->children.end(), name, clone_node(*child));
    }
    return copy;
}

using Visit = std::function<void(const std::string& path, const Node& node)>;

void walk_node(std::string& path, const Node& node, const Visit& visit) {
    visit(path, node);
    const size_t length = path.size();
    for (const auto& [name, child] : node.children) {
        if (length != 0) path += '/';
        path += name;
        walk_node(path, *child, visit);
        path.resize(length);
    }
}

size_t count_nodes(const Node& node) {
    size_t count = 1;
    for (const auto& [name, child] : node.children) count += count_nodes(*child);
    return count;
}

}  // namespace

Tree::Tree() : root_(std::make_unique<Node>()) { root_->inode = std::make_shared<const Inode>(); }

Tree Tree::clone() const {
    Tree copy;
    copy.root_ = clone_node(*root_);
    return copy;
}

const Node* Tree::find(std::string_view path, FollowLast follow) const {
    const Resolution resolution = resolve_in(*root_, path, follow);
    return resolution.detoured ? nullptr : resolution.node;
}

std::string Tree::resolve(std::string_view path, FollowLast follow) const {
    return resolve_in(*root_, path, follow).path;
}

void Tree::walk(const Visit& visit) const {
    std::string path;
    walk_node(path, *root_, visit);
}

size_t Tree::size() const { return count_nodes(*root_); }

}  // namespace gbuild::tree
