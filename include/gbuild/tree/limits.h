// What a file of an image may have, wherever it comes from: what is more cannot be read back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gbuild::tree {

// Extended attributes of one file: their number, and Linux's XATTR_NAME_MAX and XATTR_SIZE_MAX.
inline constexpr size_t max_xattrs = 4096;
inline constexpr size_t max_xattr_name = 255;
inline constexpr size_t max_xattr_value = 65'536;

// Files, directories and links of an image. Each takes some 600 bytes of memory while an image is made.
inline constexpr uint64_t usual_max_files = 4'000'000;
inline constexpr uint64_t largest_max_files = 8'000'000;

}  // namespace gbuild::tree
