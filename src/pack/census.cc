#include "census.h"

#include <fmt/format.h>

#include <algorithm>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/tree/limits.h"

namespace gbuild::pack {
namespace {

using tree::FileType;
using tree::Inode;

// The superblock counts ids in 16 bits.
constexpr size_t max_ids = 65'535;
constexpr size_t max_name = 256;
// The kernel refuses links that do not fit in a page.
constexpr size_t max_link_target = 4095;
constexpr uint32_t max_major = (1 << 12) - 1;
constexpr uint32_t max_minor = (1 << 20) - 1;

[[noreturn]] void over_limit(const std::string& path, std::string_view what, std::string_view limit) {
    throw Error(ErrorKind::limit, fmt::format("{}: {}", quoted("/" + path), what))
        .hint(fmt::format("squashfs holds {}", limit));
}

void check_inode(const std::string& path, const Inode& inode) {
    if (inode.xattrs.size() > tree::max_xattrs) {
        over_limit(path, fmt::format("{} extended attributes", inode.xattrs.size()),
                   fmt::format("{} of one file, as far as gbuild reads them back", tree::max_xattrs));
    }
    switch (inode.type) {
    case FileType::symlink:
        if (inode.target.empty()) over_limit(path, "a symbolic link to nothing", "links with a target");
        if (inode.target.size() > max_link_target) {
            over_limit(path, fmt::format("a symbolic link of {} bytes", inode.target.size()),
                       "links of up to 4095 bytes");
        }
        break;
    case FileType::char_device:
    case FileType::block_device:
        if (inode.device_major > max_major || inode.device_minor > max_minor) {
            over_limit(path, fmt::format("device {}:{}", inode.device_major, inode.device_minor),
                       fmt::format("device numbers up to {}:{}", max_major, max_minor));
        }
        break;
    case FileType::regular:
        if (inode.size > 0 && inode.content.empty()) {
            throw Error(ErrorKind::internal, fmt::format("{} has no packed contents", quoted("/" + path)));
        }
        break;
    default: break;
    }
}

}  // namespace

bool storable(const tree::Xattr& xattr) {
    if (xattr.name.size() > tree::max_xattr_name || xattr.value.size() > tree::max_xattr_value) return false;
    if (xattr.name.find('\0') != std::string::npos) return false;
    for (std::string_view prefix : {"user.", "trusted.", "security."}) {
        if (xattr.name.starts_with(prefix)) return xattr.name.size() > prefix.size();
    }
    return false;
}

Census::Census(const tree::Tree& tree) {
    tree.walk([&](const std::string& path, const tree::Node& node) { add(path, node); });
    if (ids_.size() > max_ids) {
        throw Error(ErrorKind::limit, fmt::format("the image has {} different user and group ids", ids_.size()))
            .hint(fmt::format("squashfs holds {}; give files that belong together one owner", max_ids));
    }
    inodes_.at(tree.root().inode.get()).number = next_number_++;
    number_children(tree.root());
}

void Census::add(const std::string& path, const tree::Node& node) {
    const size_t slash = path.rfind('/');
    const size_t name = path.size() - (slash == std::string::npos ? 0 : slash + 1);
    if (name > max_name) over_limit(path, fmt::format("a name of {} bytes", name), "names of up to 256 bytes");
    InodeFacts& facts = inodes_[node.inode.get()];
    if (facts.links++ == 0) add_inode(path, *node.inode);
}

void Census::add_inode(const std::string& path, const Inode& inode) {
    check_inode(path, inode);
    ids_.insert(inode.uid);
    ids_.insert(inode.gid);
    for (const tree::Xattr& xattr : inode.xattrs) {
        if (!storable(xattr)) dropped_xattrs_.push_back(fmt::format("/{}: {}", path, printable(xattr.name)));
    }
    if (inode.type == FileType::regular && inode.size > 0) contents_.push_back(inode.content);
}

// The inodes of a directory get consecutive numbers, which keeps the differences in its listing small.
void Census::number_children(const tree::Node& directory) {
    for (const auto& [name, child] : directory.children) {
        InodeFacts& facts = inodes_.at(child->inode.get());
        if (facts.number == 0) facts.number = next_number_++;
    }
    for (const auto& [name, child] : directory.children) {
        if (child->is_directory()) number_children(*child);
    }
}

}  // namespace gbuild::pack
