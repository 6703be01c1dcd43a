// Text as code points, so that "?" and classes take one character and not one byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gbuild::dockerfile {

struct CodePoint {
    char32_t value;
    size_t length;  // in bytes
};
// The first one of a text that is not empty.
CodePoint first_code_point(std::string_view text);

// Bytes that are no UTF-8 become code points of their own that no valid text has, so that encode() gives them back.
std::u32string decode(std::string_view text);
std::string encode(std::u32string_view text);

}  // namespace gbuild::dockerfile
