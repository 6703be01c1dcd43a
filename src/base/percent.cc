#include "gbuild/base/percent.h"

#include <cstddef>
#include <span>

#include "gbuild/base/digest.h"

namespace gbuild {

std::string percent_decoded(std::string_view text, Blank blank) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        std::byte byte;
        if (text[i] == '%' && i + 2 < text.size() && from_hex(text.substr(i + 1, 2), std::span(&byte, 1))) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += text[i] == '+' && blank == Blank::plus ? ' ' : text[i];
        }
    }
    return out;
}

}  // namespace gbuild
