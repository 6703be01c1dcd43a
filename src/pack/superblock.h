// A squashfs 4.0 superblock, read and checked.
#pragma once

#include <cstdint>
#include <string>

#include "gbuild/pack/options.h"

namespace gbuild::pack {

struct Superblock {
    static constexpr uint64_t absent = UINT64_MAX;  // a table that is not there
    Codec codec = Codec::gzip;
    uint32_t inode_count = 0;
    uint32_t modification_time = 0;
    uint32_t block_size = 0;
    uint32_t fragment_count = 0;
    uint16_t flags = 0;
    uint16_t id_count = 0;
    uint64_t root_inode = 0;
    uint64_t bytes_used = 0;
    uint64_t id_table = 0;
    uint64_t xattr_table = absent;
    uint64_t inode_table = 0;
    uint64_t directory_table = 0;
    uint64_t fragment_table = absent;
    uint64_t export_table = absent;
};

// Reads the superblock of the squashfs at the start of `fd`, of which `space` bytes are its own. Throws integrity,
// naming `what`; unsupported for a codec that gbuild does not have.
Superblock read_superblock(int fd, uint64_t space, const std::string& what);

}  // namespace gbuild::pack
