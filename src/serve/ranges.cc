#include "gbuild/serve/ranges.h"

#include <algorithm>
#include <limits>

#include "gbuild/base/text.h"

namespace gbuild::serve {

namespace {

constexpr size_t most_ranges = 64;

// Optional white space of HTTP.
std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Digits; more than there are bytes anywhere is as good as the largest number.
std::optional<uint64_t> position(std::string_view digits) {
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    return parse_decimal(digits).value_or(std::numeric_limits<uint64_t>::max());
}

enum class Spec { malformed, nothing_there, range };

Spec parse_spec(std::string_view text, uint64_t size, ByteRange& range) {
    const size_t dash = text.find('-');
    if (dash == std::string_view::npos) return Spec::malformed;
    const std::string_view before = trimmed(text.substr(0, dash)), after = trimmed(text.substr(dash + 1));
    const auto last = position(after);
    if (before.empty()) {
        if (!last) return Spec::malformed;
        if (*last == 0 || size == 0) return Spec::nothing_there;
        range = {size - std::min(*last, size), size - 1};
        return Spec::range;
    }
    const auto first = position(before);
    if (!first || (!last && !after.empty()) || (last && *last < *first)) return Spec::malformed;
    if (*first >= size) return Spec::nothing_there;
    range = {*first, std::min(last.value_or(size - 1), size - 1)};
    return Spec::range;
}

bool any_meet(const std::vector<ByteRange>& sorted) {
    for (size_t i = 1; i < sorted.size(); i++) {
        if (sorted[i].first <= sorted[i - 1].last + 1) return true;
    }
    return false;
}

std::vector<ByteRange> merged(const std::vector<ByteRange>& ranges) {
    std::vector<ByteRange> sorted = ranges;
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    if (!any_meet(sorted)) return ranges;
    std::vector<ByteRange> result;
    for (const ByteRange& range : sorted) {
        if (!result.empty() && range.first <= result.back().last + 1)
            result.back().last = std::max(result.back().last, range.last);
        else
            result.push_back(range);
    }
    return result;
}

}  // namespace

std::optional<std::vector<ByteRange>> parse_ranges(std::string_view header, uint64_t size) {
    const size_t equals = header.find('=');
    if (equals == std::string_view::npos || !equal_ignoring_case(trimmed(header.substr(0, equals)), "bytes"))
        return std::nullopt;
    std::vector<ByteRange> ranges;
    size_t specs = 0;
    for (const std::string& part : split(header.substr(equals + 1), ',')) {
        const std::string_view spec = trimmed(part);
        if (spec.empty()) continue;  // lists may have empty members
        ByteRange range;
        const Spec kind = parse_spec(spec, size, range);
        if (kind == Spec::malformed || ++specs > most_ranges) return std::nullopt;
        if (kind == Spec::range) ranges.push_back(range);
    }
    if (specs == 0) return std::nullopt;
    return merged(ranges);
}

}  // namespace gbuild::serve
