#include "gbuild/layer/extract.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "tree_writer.h"

namespace gbuild::layer {

ExtractSummary extract(const tree::Tree& tree, const std::string& path, const RootedDir& root,
                       const ExtractOptions& options) {
    const tree::Node* node = tree.find(path, tree::FollowLast::no);
    if (node == nullptr) {
        throw Error(ErrorKind::not_found, fmt::format("no {} in the image", gbuild::quoted(path)));
    }
    const UniqueFd top = root.open("", O_RDONLY | O_DIRECTORY);
    TreeWriter writer(options, top.get());
    if (node->is_directory()) {
        writer.expect_links(*node);
        writer.write_children(top.get(), "", *node);
    } else {
        const std::string name = split_path(tree.resolve(path, tree::FollowLast::no)).name;
        writer.write({top.get(), name, name}, *node);
    }
    return std::move(writer.summary());
}

}  // namespace gbuild::layer
