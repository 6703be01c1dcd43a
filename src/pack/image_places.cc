#include "image_places.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "image_inode.h"
#include "image_tables.h"
#include "pack_format.h"

namespace gbuild::pack {
namespace {

constexpr uint64_t superblock_end = 96;
constexpr uint16_t flag_compressor_options = 0x0400;
constexpr uint64_t trailer_crc_size = 4;
constexpr uint64_t trailer_digits = 8;

class PlaceFinder {
  public:
    PlaceFinder(const ImageParts& parts, uint64_t offset, const tree::Tree& tree) :
        parts_(parts), offset_(offset), tree_(tree) {}

    ImagePlace find() {
        if (offset_ >= parts_.size) return {"the end of the file", ""};
        if (offset_ >= parts_.trailer) return {trailer_part(), ""};
        if (offset_ >= parts_.super.bytes_used) return {"the padding before the configuration", ""};
        if (offset_ < superblock_end) return {"the superblock", ""};
        if (offset_ >= parts_.super.inode_table) return {table(), ""};
        if (offset_ < data_start()) return {"the compressor's options", ""};
        return data();
    }

  private:
    std::string_view trailer_part() const {
        if (offset_ < parts_.trailer + trailer_crc_size) return "the checksum of the configuration";
        return offset_ < parts_.size - trailer_digits ? "the configuration" : "the length of the configuration";
    }

    template <class T>
    T number_at(uint64_t position) const {
        T value;
        parts_.metadata.read_at(position, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }

    // The superblock points to the lists of a table's blocks, which stand behind the blocks.
    std::string_view table() const {
        const Superblock& super = parts_.super;
        std::map<uint64_t, std::string_view> starts = {{super.inode_table, "the inode table"},
                                                       {super.directory_table, "the directory table"},
                                                       {number_at<uint64_t>(super.id_table), "the table of owners"}};
        if (super.fragment_table != Superblock::absent && super.fragment_count > 0)
            starts.emplace(number_at<uint64_t>(super.fragment_table), "the fragment table");
        if (super.export_table != Superblock::absent)
            starts.emplace(number_at<uint64_t>(super.export_table), "the export table");
        if (super.xattr_table != Superblock::absent)
            starts.emplace(number_at<uint64_t>(super.xattr_table), "the table of extended attributes");
        auto after = starts.upper_bound(offset_);
        return after == starts.begin() ? "the tables" : std::prev(after)->second;
    }

    uint64_t data_start() const {
        if ((parts_.super.flags & flag_compressor_options) == 0) return superblock_end;
        constexpr uint16_t stored = 0x8000;
        const auto header = number_at<uint16_t>(superblock_end);
        return superblock_end + sizeof header + (header & ~stored);
    }

    ImagePlace data() {
        std::set<uint32_t> fragments;  // that `offset_` lies in; several for a hostile image only
        for (uint32_t i = 0; i < parts_.super.fragment_count; i++) {
            const Fragment fragment = read_fragment(parts_.metadata, parts_.super, i);
            if (offset_ >= fragment.position && offset_ - fragment.position < disk_bytes(fragment.size))
                fragments.insert(i);
        }
        std::string found;
        tree_.walk([&](const std::string& path, const tree::Node& node) {
            if (found.empty() && owns(*node.inode, fragments)) found = path;
        });
        if (!fragments.empty()) return {"a block of files' ends", std::move(found)};
        return {found.empty() ? "a data block" : "the data", std::move(found)};
    }

    bool owns(const tree::Inode& node, const std::set<uint32_t>& fragments) {
        if (node.type != tree::FileType::regular || node.content.empty()) return false;
        auto reference = parts_.references.find(node.content.number);
        if (reference == parts_.references.end()) return false;
        const ImageInode inode = read_inode(parts_.metadata, parts_.super, reference->second);
        if (!fragments.empty()) return fragments.contains(inode.fragment);
        if (offset_ < inode.start) return false;
        const bool has_tail = inode.fragment == no_index && inode.size % parts_.super.block_size != 0;
        const uint64_t count = inode.size / parts_.super.block_size + (has_tail ? 1 : 0);
        uint64_t end = inode.start;
        const BlockSizes sizes = read_block_sizes(parts_.metadata, inode, std::min(count, max_blocks_per_file));
        for (const uint32_t size : sizes.entries()) end += disk_bytes(size);
        return offset_ < end;
    }

    const ImageParts& parts_;
    uint64_t offset_;
    const tree::Tree& tree_;
};

}  // namespace

ImagePlace place_of(const ImageParts& parts, uint64_t offset, const tree::Tree& tree) {
    return PlaceFinder(parts, offset, tree).find();
}

}  // namespace gbuild::pack
