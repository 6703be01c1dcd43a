#include "gbuild/base/csv.h"

namespace gbuild {

std::optional<std::vector<std::string>> split_csv(std::string_view text) {
    std::vector<std::string> fields(1);
    bool in_quotes = false;
    for (size_t i = 0; i < text.size(); i++) {
        char c = text[i];
        if (in_quotes && c == '"' && text.substr(i + 1, 1) == "\"") {
            fields.back() += text[++i];
        } else if (c == '"' && (in_quotes || fields.back().empty())) {
            in_quotes = !in_quotes;
        } else if (c == ',' && !in_quotes) {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
    if (in_quotes) return std::nullopt;
    return fields;
}

}  // namespace gbuild
