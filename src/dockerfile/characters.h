// Classes of characters.
#pragma once

#include <cstddef>
#include <string_view>

namespace gbuild::dockerfile {

// Of ASCII.
inline bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// How many bytes the blank takes that `text` begins with, of ASCII's or of Unicode's (U+00A0, U+2003 …); 0 for none.
size_t blank_length(std::string_view text);
// Without such blanks at both ends.
std::string_view trim_blanks(std::string_view text);

}  // namespace gbuild::dockerfile
