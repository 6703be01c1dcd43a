// Classes of ASCII characters.
#pragma once

namespace gbuild::dockerfile {

inline bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace gbuild::dockerfile
