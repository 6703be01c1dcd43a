// squashfs metadata: chains of blocks of up to 8 KiB, read through a small cache. Positions come from outside.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "gbuild/base/binary.h"
#include "gbuild/pack/codec.h"
#include "superblock.h"

namespace gbuild::pack {

// A place in a table: the position of a metadata block, and an offset into what it decompresses to.
struct MetadataPlace {
    uint64_t block = 0;
    uint32_t offset = 0;

    // `reference` as inodes and superblock have it, relative to the table.
    static MetadataPlace in_table(uint64_t table, uint64_t reference) {
        return {table + (reference >> 16), static_cast<uint32_t>(reference & 0xFFFF)};
    }
};

class MetadataReader {
  public:
    // `fd` is borrowed; `what` names the file in errors.
    MetadataReader(int fd, const Superblock& super, std::string what);

    // Copies bytes from `place` on and moves it behind them. Throws integrity.
    void read(MetadataPlace& place, std::span<std::byte> out);
    template <std::integral T>
    T number(MetadataPlace& place) {
        T value;
        read(place, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    std::string text(MetadataPlace& place, size_t length);

    // Bytes that are not in a metadata block. Throws integrity beyond the squashfs.
    void read_at(uint64_t position, std::span<std::byte> out) const;
    // Entry `index` of a table whose blocks are listed at `table`. The caller has checked index against the table's
    // count.
    void read_entry(uint64_t table, uint64_t index, std::span<std::byte> out);

    [[noreturn]] void damaged(std::string_view why) const;
    void require(bool condition, std::string_view why) const {
        if (!condition) damaged(why);
    }

  private:
    struct CachedBlock {
        uint64_t next = 0;  // position of the block behind it
        std::vector<std::byte> bytes;
    };
    const CachedBlock& load(uint64_t position);

    int fd_;
    uint64_t end_;
    std::string what_;
    std::unique_ptr<BlockDecompressor> decompressor_;
    std::unordered_map<uint64_t, CachedBlock> cache_;
    std::deque<uint64_t> cached_;  // oldest first
};

}  // namespace gbuild::pack
