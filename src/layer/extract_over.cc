// Extraction into a directory that is not empty.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "extract_attributes.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/layer/extract.h"
#include "tree_writer.h"

namespace gbuild::layer {
namespace {

std::optional<struct stat> status_if_there(const HeldName& file) {
    struct stat status {};
    if (::fstatat(file.directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
    if (errno != ENOENT) fail("read", file);
    return std::nullopt;
}

bool is_device(const tree::Inode& inode) {
    return inode.type == tree::FileType::char_device || inode.type == tree::FileType::block_device;
}

void check_conflicts(int directory, const std::string& path, const tree::Node& node) {
    for (const auto& [name, child] : node.children) {
        const std::string child_path = join_path(path, name);
        const HeldName file{directory, name, child_path};
        const auto there = status_if_there(file);
        if (!there) continue;
        if (S_ISDIR(there->st_mode) != child->is_directory()) {
            throw Error(ErrorKind::conflict,
                        fmt::format("{} {} a directory in the image, and {} one at the destination",
                                    gbuild::quoted(child_path), child->is_directory() ? "is" : "is not",
                                    child->is_directory() ? "not" : "is"))
                .hint("choose an empty directory, or remove what is there");
        }
        if (child->is_directory()) check_conflicts(open_directory(file).get(), child_path, *child);
    }
}

class Merge {
  public:
    Merge(const ExtractOptions& options, int root) : options_(options), writer_(options, root) {}

    void children(int directory, const std::string& path, const tree::Node& node) {
        for (const auto& [name, child] : node.children) {
            const std::string child_path = join_path(path, name);
            one({directory, name, child_path}, *child);
        }
    }

    TreeWriter& writer() { return writer_; }

  private:
    void one(const HeldName& file, const tree::Node& node) {
        const auto there = status_if_there(file);
        if (there && node.is_directory()) return directory(file, node, there->st_mode);
        // A device may be left out; then what is there stays.
        const bool replaced = there && (!is_device(*node.inode) || options_.makes_devices());
        if (replaced && ::unlinkat(file.directory, file.name.c_str(), 0) != 0) fail("replace", file);
        writer_.write(file, node);
    }

    void directory(const HeldName& file, const tree::Node& node, mode_t mode) {
        const HeldFile held = hold(file, S_IFDIR);
        if ((mode & S_IRWXU) != S_IRWXU && held.set_mode((mode & 07777) | S_IRWXU) != 0) fail("write to", file);
        children(held.fd(), file.path, node);
        set_attributes(held, file, *node.inode, options_, writer_.summary());
        ++writer_.summary().files;
    }

    const ExtractOptions& options_;
    TreeWriter writer_;
};

}  // namespace

ExtractSummary extract_over(const tree::Tree& tree, const RootedDir& root, const ExtractOptions& options) {
    const UniqueFd top = root.open("", O_RDONLY | O_DIRECTORY);
    check_conflicts(top.get(), "", tree.root());
    Merge merge(options, top.get());
    merge.writer().expect_links(tree.root());
    merge.children(top.get(), "", tree.root());
    return std::move(merge.writer().summary());
}

}  // namespace gbuild::layer
