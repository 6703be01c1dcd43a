#include "image_tree.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/tree/limits.h"
#include "image_tables.h"

namespace gbuild::pack {
namespace {

constexpr size_t max_depth = 2048;
constexpr size_t max_path = 4096;
// A small file can describe a huge tree. These are the bytes that one may take in memory, roughly.
constexpr uint64_t node_cost = 512;
constexpr uint64_t tree_budget = tree::largest_max_files * node_cost;

class TreeReader {
  public:
    TreeReader(MetadataReader& reader, const Superblock& super) :
        reader_(reader), super_(super), ids_(read_ids(reader, super)) {}

    ImageTree read() {
        const ImageInode root = read_inode(reader_, super_, super_.root_inode);
        reader_.require(root.file_type() == tree::FileType::directory, "its root is not a directory");
        seen_.emplace(root.number, Seen{super_.root_inode, 0, true});
        add_inode("", root);
        add_directory("", root, 0);
        ImageTree image;
        image.tree.apply(std::move(layer_));
        for (const auto& [number, seen] : seen_) {
            if (!seen.directory) image.references.emplace(number, seen.reference);
        }
        return image;
    }

  private:
    struct Seen {
        uint64_t reference = 0;
        size_t entry = 0;  // into layer_
        bool directory = false;
    };

    void add_directory(const std::string& path, const ImageInode& directory, size_t depth) {
        reader_.require(depth < max_depth, "its directories are nested too deep");
        std::vector<std::pair<std::string, ImageInode>> subdirectories;
        read_listing(reader_, super_, directory, [&](const ListingEntry& entry) {
            std::string child = path.empty() ? entry.name : path + "/" + entry.name;
            reader_.require(child.size() <= max_path, "a path of more than 4096 bytes");
            if (add_link(child, entry)) return;
            ImageInode inode = read_inode(reader_, super_, entry.reference);
            reader_.require(inode.type == entry.type && inode.number == entry.number,
                            "a directory entry and its inode differ");
            const bool is_directory = inode.file_type() == tree::FileType::directory;
            seen_.emplace(entry.number, Seen{entry.reference, layer_.size(), is_directory});
            add_inode(child, inode);
            if (is_directory) subdirectories.emplace_back(std::move(child), std::move(inode));
        });
        for (const auto& [child, inode] : subdirectories) add_directory(child, inode, depth + 1);
    }

    // Whether the entry is another name of an inode that was there before.
    bool add_link(const std::string& path, const ListingEntry& entry) {
        const auto found = seen_.find(entry.number);
        if (found == seen_.end()) return false;
        const Seen& seen = found->second;
        reader_.require(!seen.directory, "a directory appears twice");
        reader_.require(seen.reference == entry.reference, "two inodes have one number");
        tree::LayerEntry link;
        link.kind = tree::EntryKind::hard_link;
        link.path = path;
        link.target = layer_[seen.entry].path;
        charge(path.size() + link.target.size());
        layer_.push_back(std::move(link));
        return true;
    }

    void add_inode(const std::string& path, const ImageInode& from) {
        tree::LayerEntry entry;
        entry.path = path;
        tree::Inode& inode = entry.inode;
        inode.type = from.file_type();
        inode.mode = from.mode;
        inode.uid = id(from.uid_index);
        inode.gid = id(from.gid_index);
        inode.mtime = from.mtime;
        inode.target = from.target;
        // The kernel's new_decode_dev().
        inode.device_major = (from.device & 0xfff00) >> 8;
        inode.device_minor = (from.device & 0xff) | ((from.device >> 12) & 0xfff00);
        if (inode.type == tree::FileType::regular) inode.size = from.size;
        if (inode.size > 0) inode.content = {0, from.number};
        if (from.xattrs != no_index) inode.xattrs = read_xattrs(reader_, super_, from.xattrs);
        uint64_t bytes = path.size() + inode.target.size();
        for (const tree::Xattr& xattr : inode.xattrs) bytes += xattr.name.size() + xattr.value.size() + sizeof xattr;
        charge(bytes);
        layer_.push_back(std::move(entry));
    }

    uint32_t id(uint16_t index) const {
        reader_.require(index < ids_.size(), "a file belongs to an owner that is not there");
        return ids_[index];
    }

    void charge(uint64_t bytes) {
        charged_ += bytes + node_cost;
        if (charged_ > tree_budget) {
            throw Error(ErrorKind::limit, "the image has more files than gbuild reads")
                .hint(fmt::format("their names and attributes take more than {}", human_size(tree_budget)));
        }
    }

    MetadataReader& reader_;
    const Superblock& super_;
    std::vector<uint32_t> ids_;
    tree::LayerTree layer_;
    std::unordered_map<uint32_t, Seen> seen_;
    uint64_t charged_ = 0;
};

}  // namespace

ImageTree read_image_tree(MetadataReader& reader, const Superblock& super) { return TreeReader(reader, super).read(); }

}  // namespace gbuild::pack
