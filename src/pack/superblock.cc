#include "superblock.h"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/pack/codec.h"
#include "pack_format.h"

namespace gbuild::pack {
namespace {

constexpr size_t superblock_size = 96;
constexpr uint32_t squashfs_magic = 0x73717368;

class SuperblockParser {
  public:
    SuperblockParser(std::span<const std::byte> bytes, uint64_t space, const std::string& what) :
        in_(bytes, what), space_(space), what_(what) {}

    Superblock parse() {
        require(in_.number<uint32_t>() == squashfs_magic, "it does not begin with a squashfs");
        super_.inode_count = in_.number<uint32_t>();
        super_.modification_time = in_.number<uint32_t>();
        super_.block_size = in_.number<uint32_t>();
        super_.fragment_count = in_.number<uint32_t>();
        const auto codec_id = in_.number<uint16_t>();
        const auto block_log = in_.number<uint16_t>();
        super_.flags = in_.number<uint16_t>();
        super_.id_count = in_.number<uint16_t>();
        const auto major = in_.number<uint16_t>();
        const auto minor = in_.number<uint16_t>();
        require(major == 4 && minor == 0, "its squashfs has a version other than 4.0");
        require(std::has_single_bit(super_.block_size) && super_.block_size >= min_block_size &&
                    super_.block_size <= max_block_size && super_.block_size == uint64_t{1} << (block_log & 31),
                "its squashfs has an impossible block size");
        set_codec(codec_id);
        super_.root_inode = in_.number<uint64_t>();
        super_.bytes_used = in_.number<uint64_t>();
        require(super_.bytes_used >= superblock_size && super_.bytes_used <= space_,
                "its squashfs is longer than the file has room for");
        read_table_positions();
        return super_;
    }

  private:
    void require(bool condition, std::string_view why) const {
        if (condition) return;
        throw Error(ErrorKind::integrity, fmt::format("{} is not a .gvmi image: {}", what_, why))
            .hint("it may be damaged; build or download it again");
    }
    void set_codec(uint16_t id) {
        const auto codec = codec_of_squashfs_id(id);
        if (!codec) {
            throw Error(ErrorKind::unsupported, fmt::format("{} is compressed in a way that gbuild cannot read", what_))
                .hint("gbuild reads gzip, lzo, lz4, xz and zstd");
        }
        super_.codec = *codec;
    }
    void read_table_positions() {
        super_.id_table = in_.number<uint64_t>();
        super_.xattr_table = in_.number<uint64_t>();
        super_.inode_table = in_.number<uint64_t>();
        super_.directory_table = in_.number<uint64_t>();
        super_.fragment_table = in_.number<uint64_t>();
        super_.export_table = in_.number<uint64_t>();
        for (uint64_t table : {super_.xattr_table, super_.fragment_table, super_.export_table}) {
            require(table == Superblock::absent || table < super_.bytes_used, "a table lies outside its squashfs");
        }
        require(super_.inode_table >= superblock_size && super_.inode_table < super_.directory_table &&
                    super_.directory_table <= super_.id_table && super_.id_table < super_.bytes_used,
                "the tables of its squashfs are out of order");
        require(super_.id_count > 0 && super_.inode_count > 0, "its squashfs is empty");
    }

    BinaryReader in_;
    uint64_t space_;
    const std::string& what_;
    Superblock super_;
};

}  // namespace

Superblock read_superblock(int fd, uint64_t space, const std::string& what) {
    std::array<std::byte, superblock_size> bytes{};
    const size_t length = pread_full(fd, bytes, 0);
    return SuperblockParser(std::span(bytes).first(length), space, what).parse();
}

}  // namespace gbuild::pack
