#include "tree_accounts.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::build {

namespace {

// What `path` leads to; links in a circle lead nowhere.
const tree::Node* find_or_none(const tree::Tree& tree, std::string_view path) {
    try {
        return tree.find(path, tree::FollowLast::yes);
    } catch (const Error&) {
        return nullptr;
    }
}

std::string read_small_file(const tree::Tree& tree, const pack::PackSet& packs, std::string_view path) {
    constexpr size_t largest = 4u << 20;
    const tree::Node* node = find_or_none(tree, path);
    if (!node || node->inode->type != tree::FileType::regular || node->inode->content.empty()) return "";
    return with_context([&] { return fmt::format("reading /{} of the image", path); },
                        [&] { return pack::read_contents(packs, node->inode->content, largest); });
}

}  // namespace

tree::Accounts read_accounts(const tree::Tree& tree, const pack::PackSet& packs) {
    return {read_small_file(tree, packs, "etc/passwd"), read_small_file(tree, packs, "etc/group")};
}

}  // namespace gbuild::build
