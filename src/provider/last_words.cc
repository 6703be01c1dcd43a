#include "last_words.h"

#include <array>

#include "gbuild/base/text.h"

namespace gbuild::provider {

void LastWords::add(std::string_view text) {
    constexpr size_t kept = 32u << 10;
    text_ += text;
    if (text_.size() > 2 * kept) text_.erase(0, text_.size() - kept);
}

std::string LastWords::reason() const {
    constexpr std::array<std::string_view, 2> telling = {"gbuild-init: ", "Kernel panic - "};
    for (const std::string_view mark : telling) {
        const size_t at = text_.rfind(mark);
        if (at == std::string::npos) continue;
        const size_t begin = mark == telling.front() ? at + mark.size() : at;
        return std::string(trim(std::string_view(text_).substr(begin, text_.find('\n', at) - begin)));
    }
    const std::string_view all = trim(text_);
    const size_t line = all.rfind('\n');
    return std::string(trim(line == std::string_view::npos ? all : all.substr(line + 1)));
}

}  // namespace gbuild::provider
