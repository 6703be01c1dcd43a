#include "image_inode.h"

#include <algorithm>
#include <array>

#include "gbuild/base/error.h"

namespace gbuild::pack {
namespace {

enum Type : uint16_t { directory = 1, file, symlink, block_device, char_device, fifo, socket, extended };
constexpr uint16_t basic_types = 7;

// Far above what kernels accept; bounds what one inode can make us hold.
constexpr uint32_t max_target = 65'535;

class InodeParser {
  public:
    InodeParser(MetadataReader& reader, const Superblock& super, uint64_t reference) :
        reader_(reader), place_(MetadataPlace::in_table(super.inode_table, reference)) {
        reader_.require(reference >> 16 < super.directory_table - super.inode_table,
                        "an inode lies outside the inode table");
    }

    ImageInode parse() {
        const auto type = get<uint16_t>();
        reader_.require(type >= 1 && type <= 2 * basic_types, "an inode of unknown type");
        const bool is_extended = type > basic_types;
        inode_.type = is_extended ? type - basic_types : type;
        inode_.mode = get<uint16_t>() & 07777;
        inode_.uid_index = get<uint16_t>();
        inode_.gid_index = get<uint16_t>();
        inode_.mtime = get<uint32_t>();
        inode_.number = get<uint32_t>();
        switch (inode_.type) {
        case directory: is_extended ? extended_directory() : basic_directory(); break;
        case file: is_extended ? extended_file() : basic_file(); break;
        case symlink: link(is_extended); break;
        case block_device:
        case char_device:
            skip<uint32_t>();  // links
            inode_.device = get<uint32_t>();
            if (is_extended) inode_.xattrs = get<uint32_t>();
            break;
        default:
            skip<uint32_t>();
            if (is_extended) inode_.xattrs = get<uint32_t>();
        }
        return std::move(inode_);
    }

  private:
    template <class T>
    T get() {
        return reader_.number<T>(place_);
    }
    template <class T>
    void skip() {
        static_cast<void>(get<T>());
    }

    void basic_directory() {
        const auto block = get<uint32_t>();
        skip<uint32_t>();  // links
        const auto length = get<uint16_t>();
        const auto offset = get<uint16_t>();
        listing(block, offset, length);
    }
    void extended_directory() {
        skip<uint32_t>();  // links
        const auto length = get<uint32_t>();
        const auto block = get<uint32_t>();
        skip<uint32_t>();  // parent
        skip<uint16_t>();  // index entries
        const auto offset = get<uint16_t>();
        inode_.xattrs = get<uint32_t>();
        listing(block, offset, length);
    }
    void listing(uint32_t block, uint16_t offset, uint32_t length) {
        // The length counts three bytes for "." and "..", which are not there.
        constexpr uint32_t dots = 3;
        inode_.listing = uint64_t{block} << 16 | offset;
        inode_.listing_length = length < dots ? 0 : length - dots;
    }
    void basic_file() {
        inode_.start = get<uint32_t>();
        inode_.fragment = get<uint32_t>();
        inode_.fragment_offset = get<uint32_t>();
        inode_.size = get<uint32_t>();
        inode_.blocks = place_;
    }
    void extended_file() {
        inode_.start = get<uint64_t>();
        inode_.size = get<uint64_t>();
        skip<uint64_t>();  // sparse bytes
        skip<uint32_t>();  // links
        inode_.fragment = get<uint32_t>();
        inode_.fragment_offset = get<uint32_t>();
        inode_.xattrs = get<uint32_t>();
        inode_.blocks = place_;
    }
    void link(bool is_extended) {
        skip<uint32_t>();  // links
        const auto length = get<uint32_t>();
        reader_.require(length > 0 && length <= max_target, "a symbolic link of impossible length");
        inode_.target = reader_.text(place_, length);
        reader_.require(inode_.target.find('\0') == std::string::npos, "a symbolic link with a NUL");
        if (is_extended) inode_.xattrs = get<uint32_t>();
    }

    MetadataReader& reader_;
    MetadataPlace place_;
    ImageInode inode_;
};

bool is_file_name(const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
           name.find('\0') == std::string::npos;
}

}  // namespace

tree::FileType ImageInode::file_type() const {
    switch (type) {
    case directory: return tree::FileType::directory;
    case file: return tree::FileType::regular;
    case symlink: return tree::FileType::symlink;
    case block_device: return tree::FileType::block_device;
    case char_device: return tree::FileType::char_device;
    case fifo: return tree::FileType::fifo;
    case socket: return tree::FileType::socket;
    default: throw Error(ErrorKind::internal, "an inode of unknown type");
    }
}

ImageInode read_inode(MetadataReader& reader, const Superblock& super, uint64_t reference) {
    return InodeParser(reader, super, reference).parse();
}

BlockSizes read_block_sizes(MetadataReader& reader, const ImageInode& file, uint64_t count) {
    BlockSizes sizes;
    MetadataPlace at = file.blocks;
    // Grown piece by piece: the count is only a claim until the sizes are there.
    std::array<uint32_t, 1024> piece;
    while (sizes.count() < count) {
        const auto read =
            std::span(piece).first(static_cast<size_t>(std::min<uint64_t>(piece.size(), count - sizes.count())));
        reader.read(at, std::as_writable_bytes(read));
        for (const uint32_t size : read) {
            reader.require(!is_hole(size), "a block has an impossible size");
            if (size == 0) {
                sizes.add_holes(1);
            } else {
                sizes.add(size);
            }
        }
    }
    return sizes;
}

void read_listing(MetadataReader& reader, const Superblock& super, const ImageInode& directory,
                  const std::function<void(const ListingEntry&)>& visit) {
    constexpr uint32_t header_size = 12;
    constexpr uint32_t entry_size = 8;
    MetadataPlace place = MetadataPlace::in_table(super.directory_table, directory.listing);
    uint32_t left = directory.listing_length;
    const auto take = [&](uint32_t bytes) {
        reader.require(bytes <= left, "a directory is longer than its listing");
        left -= bytes;
    };
    std::string previous;
    while (left > 0) {
        take(header_size);
        const auto more = reader.number<uint32_t>(place);
        const auto block = reader.number<uint32_t>(place);
        const auto number = reader.number<uint32_t>(place);
        reader.require(more < 256, "a directory with an impossible header");
        for (uint32_t i = 0; i <= more; i++) {
            take(entry_size);
            ListingEntry entry;
            entry.reference = uint64_t{block} << 16 | reader.number<uint16_t>(place);
            entry.number = number + static_cast<uint32_t>(reader.number<int16_t>(place));
            entry.type = reader.number<uint16_t>(place);
            const uint32_t length = reader.number<uint16_t>(place) + uint32_t{1};
            reader.require(length <= 256, "a file name of impossible length");
            take(length);
            entry.name = reader.text(place, length);
            reader.require(is_file_name(entry.name) && entry.name > previous, "a directory with impossible names");
            visit(entry);
            previous = std::move(entry.name);
        }
    }
}

}  // namespace gbuild::pack
