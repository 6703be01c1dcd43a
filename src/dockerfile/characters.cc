#include "characters.h"

#include <algorithm>
#include <array>

namespace gbuild::dockerfile {

namespace {

// Those beyond ASCII that have the property White_Space.
constexpr std::array<std::string_view, 19> unicode_blanks = {
    "\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2007", "\u2008", "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"};

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

size_t last_blank_length(std::string_view text) {
    if (text.empty()) return 0;
    if (is_ascii(text.back())) return is_blank(text.back()) ? 1 : 0;
    const auto* found = std::find_if(unicode_blanks.begin(), unicode_blanks.end(),
                                     [&](std::string_view blank) { return text.ends_with(blank); });
    return found == unicode_blanks.end() ? 0 : found->size();
}

}  // namespace

size_t blank_length(std::string_view text) {
    if (text.empty()) return 0;
    if (is_ascii(text.front())) return is_blank(text.front()) ? 1 : 0;
    const auto* found = std::find_if(unicode_blanks.begin(), unicode_blanks.end(),
                                     [&](std::string_view blank) { return text.starts_with(blank); });
    return found == unicode_blanks.end() ? 0 : found->size();
}

std::string_view trim_blanks(std::string_view text) {
    while (const size_t length = blank_length(text)) text.remove_prefix(length);
    while (const size_t length = last_blank_length(text)) text.remove_suffix(length);
    return text;
}

}  // namespace gbuild::dockerfile
