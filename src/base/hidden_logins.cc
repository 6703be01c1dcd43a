#include "gbuild/base/hidden_logins.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace gbuild {

std::string with_hidden_logins(std::string text) {
    constexpr std::string_view mark = "://", ends = "/?# \t\r\n\"'<>|;";
    for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
        at += mark.size();
        const size_t end = std::min(text.find_first_of(ends, at), text.size());
        const size_t login = std::string_view(text).substr(at, end - at).rfind('@');
        if (login != std::string_view::npos) std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), login, '*');
    }
    return text;
}

}  // namespace gbuild
