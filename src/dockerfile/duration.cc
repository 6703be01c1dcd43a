#include "gbuild/dockerfile/duration.h"

#include <array>
#include <cmath>
#include <limits>

#include "characters.h"

namespace gbuild::dockerfile {

namespace {

struct Unit {
    std::string_view name;
    int64_t nanoseconds;
};

// Longer names before those they begin with.
constexpr std::array<Unit, 8> units{{{"ns", 1},
                                     {"us", 1'000},
                                     {"\xC2\xB5s", 1'000},
                                     {"\xCE\xBCs", 1'000},
                                     {"ms", 1'000'000},
                                     {"s", 1'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"h", 3'600'000'000'000}}};

std::optional<int64_t> take_unit(std::string_view& text) {
    for (const Unit& unit : units) {
        if (text.substr(0, unit.name.size()) != unit.name) continue;
        text.remove_prefix(unit.name.size());
        return unit.nanoseconds;
    }
    return std::nullopt;
}

// "1.5h" at the start of `text`, which is advanced. nullopt when it is malformed or too large.
std::optional<int64_t> take_part(std::string_view& text) {
    constexpr int64_t limit = std::numeric_limits<int64_t>::max();
    int64_t whole = 0;
    double fraction = 0, scale = 1;
    bool digits = false;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), digits = true) {
        if (whole > (limit - 9) / 10) return std::nullopt;
        whole = whole * 10 + (text[0] - '0');
    }
    if (!text.empty() && text[0] == '.') {
        text.remove_prefix(1);
        for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), digits = true) {
            scale /= 10;
            fraction += scale * (text[0] - '0');
        }
    }
    auto unit = take_unit(text);
    if (!digits || !unit || whole > limit / *unit) return std::nullopt;
    int64_t value = whole * *unit;
    int64_t rest = std::lround(fraction * static_cast<double>(*unit));
    if (value > limit - rest) return std::nullopt;
    return value + rest;
}

}  // namespace

std::optional<int64_t> parse_duration(std::string_view text) {
    bool negative = !text.empty() && text[0] == '-';
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
    if (text == "0") return 0;
    if (text.empty()) return std::nullopt;
    int64_t total = 0;
    while (!text.empty()) {
        auto part = take_part(text);
        if (!part || total > std::numeric_limits<int64_t>::max() - *part) return std::nullopt;
        total += *part;
    }
    return negative ? -total : total;
}

}  // namespace gbuild::dockerfile
