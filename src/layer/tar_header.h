// The 512-byte headers of tar: v7, POSIX ustar, star and GNU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gbuild::layer {

inline constexpr size_t tar_block_size = 512;
using TarBlock = std::array<std::byte, tar_block_size>;

// Bytes from `size` up to the next block.
constexpr uint64_t tar_padding(uint64_t size) { return (tar_block_size - size % tar_block_size) % tar_block_size; }

bool is_zero_block(const TarBlock& block);

// A number as tar writes it: octal digits among blanks and NULs (none: 0), or GNU's base-256 with the top bit set.
// Throws integrity naming `field` for anything else, and for numbers beyond 64 bits.
int64_t parse_tar_number(std::string_view text, std::string_view field);

struct TarHeader {
    char type = '0';  // POSIX typeflag; '\0' as it is
    std::string name;
    std::string link;
    uint32_t mode = 0;
    int64_t uid = 0;
    int64_t gid = 0;
    int64_t size = 0;
    int64_t mtime = 0;
    int64_t device_major = 0;
    int64_t device_minor = 0;
};

// Throws integrity for a wrong checksum and malformed numbers.
TarHeader parse_tar_header(const TarBlock& block);

// Bytes `offset` to `offset + size` of a block.
std::string_view block_field(const TarBlock& block, size_t offset, size_t size);

}  // namespace gbuild::layer
