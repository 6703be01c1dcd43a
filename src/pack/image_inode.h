// Inodes and directory listings of a squashfs, as its tables have them.
#pragma once

#include <functional>
#include <optional>

#include "block_sizes.h"
#include "gbuild/tree/inode.h"
#include "metadata_reader.h"

namespace gbuild::pack {

constexpr uint32_t no_index = UINT32_MAX;  // no fragment, no xattrs

struct ImageInode {
    uint16_t type = 0;  // as in directory listings: 1 to 7
    uint16_t mode = 0;
    uint16_t uid_index = 0;
    uint16_t gid_index = 0;
    uint32_t mtime = 0;
    uint32_t number = 0;
    uint32_t xattrs = no_index;
    // Regular files.
    uint64_t size = 0;
    uint64_t start = 0;
    uint32_t fragment = no_index;
    uint32_t fragment_offset = 0;
    MetadataPlace blocks;  // where the on-disk sizes of the blocks follow
    // Directories.
    uint64_t listing = 0;  // reference into the directory table
    uint32_t listing_length = 0;
    // Others.
    std::string target;
    uint32_t device = 0;

    tree::FileType file_type() const;
};

// Throws integrity. `reference` is relative to the inode table.
ImageInode read_inode(MetadataReader& reader, const Superblock& super, uint64_t reference);

// On-disk sizes of a regular file's blocks, `count` of them. Throws integrity.
BlockSizes read_block_sizes(MetadataReader& reader, const ImageInode& file, uint64_t count);

struct ListingEntry {
    std::string name;  // valid as a file name
    uint16_t type = 0;
    uint32_t number = 0;
    uint64_t reference = 0;
};
// Throws integrity, also for names that are not sorted.
void read_listing(MetadataReader& reader, const Superblock& super, const ImageInode& directory,
                  const std::function<void(const ListingEntry&)>& visit);

}  // namespace gbuild::pack
