// Blocks on their way through the compressing threads, and the block lists that a pack is made of.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "block_sizes.h"
#include "gbuild/base/digest.h"
#include "gbuild/pack/codec.h"

namespace gbuild::pack {

struct Block {
    uint32_t size = 0;      // bytes in `in`
    size_t compressed = 0;  // bytes in `out`; 0: store `in`
    std::unique_ptr<std::byte[]> in, out;

    void reserve(uint32_t block_size) {
        if (!in) in = std::make_unique<std::byte[]>(block_size);
        if (!out) out = std::make_unique<std::byte[]>(block_size);
    }
    void compress(BlockCompressor& compressor) {
        compressed = compressor.compress({in.get(), size}, {out.get(), size});
    }
    // What goes to disk, and the size that squashfs records for it.
    std::span<const std::byte> disk() const;
    uint32_t disk_size() const;
};

// One run of blocks in the pack. Files with equal blocks share a list. `sums` belongs to the producer of the jobs,
// `start` and `sizes` to their consumer.
struct BlockList {
    uint32_t number = 0;  // in the pack's index
    uint64_t count = 0;   // blocks it will have
    BlockSums sums;       // empty when no later file will be compared with this one
    uint64_t start = 0;   // position of the first block that is not a hole; 0: not known yet
    BlockSizes sizes;     // as on disk; holes at the end may be missing
};

struct BlockJob : Block {
    enum class Kind { data, fragment, copy_head };
    Kind kind = Kind::data;
    BlockList* list = nullptr;          // data, copy_head
    const BlockList* source = nullptr;  // copy_head: takes over this list's first `index` blocks
    uint64_t index = 0;                 // data: which block; copy_head: how many
};

}  // namespace gbuild::pack
