#include "gbuild/golem/image_size.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::golem {

namespace {

constexpr size_t named = 3;

struct Directory {
    const tree::Node* node;
    std::string path;
    uint64_t size;
};

class Sizes {
  public:
    uint64_t of(const tree::Node& node) {
        uint64_t size = 0;
        const tree::Inode& inode = *node.inode;
        // What has several names counts under the first one.
        if (inode.type == tree::FileType::regular && counted_.insert(&inode).second) size = inode.size;
        for (const auto& [name, child] : node.children) size += of(*child);
        if (node.is_directory()) directories_[&node] = size;
        return size;
    }
    std::vector<Directory> below(const Directory& directory) const {
        std::vector<Directory> children;
        for (const auto& [name, child] : directory.node->children) {
            if (!child->is_directory()) continue;
            children.push_back({child.get(), directory.path + "/" + name, directories_.at(child.get())});
        }
        std::stable_sort(children.begin(), children.end(),
                         [](const Directory& a, const Directory& b) { return a.size > b.size; });
        return children;
    }

  private:
    std::unordered_set<const tree::Inode*> counted_;
    std::map<const tree::Node*, uint64_t> directories_;
};

// The one below that has nearly all of it says more.
Directory innermost(Directory directory, const Sizes& sizes) {
    for (;;) {
        std::vector<Directory> children = sizes.below(directory);
        if (children.empty() || children.front().size * 5 < directory.size * 4) return directory;
        directory = std::move(children.front());
    }
}

}  // namespace

std::optional<Warning> warn_of_size(const tree::Tree& tree, uint64_t file_size) {
    if (file_size < large_image) return std::nullopt;
    Sizes sizes;
    const uint64_t all = sizes.of(tree.root());
    std::vector<Directory> biggest = sizes.below({&tree.root(), "", all});
    if (biggest.size() > named) biggest.resize(named);
    std::vector<std::string> names;
    for (Directory& directory : biggest) {
        if (directory.size == 0) continue;
        const Directory found = innermost(std::move(directory), sizes);
        names.push_back(fmt::format("{} ({})", printable(found.path), human_size(found.size)));
    }
    std::string message =
        fmt::format("the image has {}, which each provider downloads before its first task", human_size(file_size));
    if (!names.empty()) message += fmt::format("; its biggest directories are {}", join(names, ", "));
    return Warning{"image-size", std::move(message), std::nullopt,
                   "gbuild du tells what takes how much, gbuild history which step wrote it"};
}

}  // namespace gbuild::golem
