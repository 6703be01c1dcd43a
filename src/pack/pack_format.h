// The pack file: reserved bytes, blocks, index, trailer.
//
//   0          96 bytes for a squashfs superblock, so that a one-layer pack has its image's data layout
//   96         data and fragment blocks, as squashfs stores them
//   data_end   the index: options key, data_end, CRC-32 of each region before data_end, the layer's name, fragments,
//              block lists (holes by runs: 0, count), files, entries (varints; pack_index.h)
//   -56        trailer: u64 data_end, u64 length of the index, SHA-256 of the index, 8 bytes of magic
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "block_sizes.h"

namespace gbuild::pack {

constexpr int pack_format_version = 5;
constexpr uint32_t min_block_size = 4096;
constexpr uint32_t max_block_size = 1 << 20;

constexpr uint64_t pack_data_start = 96;
constexpr std::string_view pack_magic = "gbpack\r\n";
constexpr size_t pack_trailer_size = 56;

// What a checksum is of: this much of the file, counted from its first byte; the last region ends at data_end. Small
// enough that reading one for the sake of one block in it costs little, large enough that the sums take no place.
constexpr uint64_t pack_region_size = 1 << 20;
constexpr uint64_t region_count(uint64_t data_end) { return (data_end + pack_region_size - 1) / pack_region_size; }

// Set in an on-disk size: the block is stored as it is.
constexpr uint32_t stored_bit = 1u << 24;
constexpr uint32_t disk_bytes(uint32_t size) { return is_hole(size) ? 0 : size & ~stored_bit; }

// Bounds the memory and time that one hostile header can ask for: 2 TiB in blocks of 128 KiB.
constexpr uint64_t max_blocks_per_file = 1 << 24;

}  // namespace gbuild::pack
