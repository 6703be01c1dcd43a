// What a file of an image may have, wherever it comes from: what is more cannot be read back.
#pragma once

#include <cstddef>

namespace gbuild::tree {

// Extended attributes of one file: their number, and Linux's XATTR_NAME_MAX and XATTR_SIZE_MAX.
inline constexpr size_t max_xattrs = 4096;
inline constexpr size_t max_xattr_name = 255;
inline constexpr size_t max_xattr_value = 65'536;

}  // namespace gbuild::tree
