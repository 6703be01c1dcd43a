// The squashfs tables of an image: inodes, directories, fragments, export, ids, xattrs, and the superblock.
#pragma once

#include "census.h"
#include "data_layout.h"

namespace gbuild::pack {

struct ImageTables {
    std::vector<std::byte> head;    // superblock and compressor options, for offset 0
    std::vector<std::byte> tables;  // for the offset behind the data
    uint64_t bytes_used = 0;        // of the whole squashfs
};

struct TableInput {
    const tree::Tree& tree;
    Census& census;
    const PackSet& packs;
    const DataLayout& layout;
    std::span<const Fragment> new_fragments;  // behind the copied ones
    uint64_t data_end = 0;
    int64_t superblock_time = 0;
};

ImageTables write_tables(const TableInput& input);

// Where the data of an image begins: behind the superblock and the compressor's options, if any.
uint64_t image_data_start(const PackOptions& options);

}  // namespace gbuild::pack
