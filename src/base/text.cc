#include "gbuild/base/text.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace gbuild {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none (overlong forms and surrogates
// included).
size_t utf8_length(std::string_view text) {
    auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char first = byte(0);
    if (first < 0x80) return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return length;
}

// Letters inserted, left out, replaced, and neighbours swapped.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); j++) row[j] = j;
    for (size_t i = 1; i <= a.size(); i++) {
        std::swap(before, above);
        std::swap(above, row);
        row[0] = i;
        for (size_t j = 1; j <= b.size(); j++) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
            const bool swapped =
                i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row.back();
}

// Digits at `position`, exactly `count` of them; advances.
std::optional<int> digits(std::string_view text, size_t& position, size_t count) {
    if (text.size() - position < count) return std::nullopt;
    auto value = parse_decimal(text.substr(position, count));
    if (!value) return std::nullopt;
    position += count;
    return static_cast<int>(*value);
}

bool skip(std::string_view text, size_t& position, std::string_view any_of) {
    if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos) return false;
    position++;
    return true;
}

// "Z" or "+hh:mm" at the end of an RFC 3339 time, as seconds east of UTC.
std::optional<int64_t> zone_offset(std::string_view zone) {
    if (zone == "Z" || zone == "z") return 0;
    size_t at = 0;
    if (!skip(zone, at, "+-")) return std::nullopt;
    auto hours = digits(zone, at, 2);
    if (!hours || !skip(zone, at, ":")) return std::nullopt;
    auto minutes = digits(zone, at, 2);
    if (!minutes || at != zone.size() || *hours > 23 || *minutes > 59) return std::nullopt;
    int64_t seconds = int64_t{60} * (*hours * 60 + *minutes);
    return zone[0] == '-' ? -seconds : seconds;
}

}  // namespace

std::string to_lower(std::string_view ascii) {
    std::string result(ascii);
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (;;) {
        size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
    return fmt::format("{}", fmt::join(parts.begin(), parts.end(), separator));
}

std::optional<uint64_t> parse_decimal(std::string_view text) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
    // Quadratic: long words are no misspellings worth the time.
    constexpr size_t longest = 256;
    if (word.empty() || word.size() > longest) return std::nullopt;
    // No guess is better than a wrong one.
    size_t limit = std::min<size_t>(3, word.size() / 3);
    const std::string* best = nullptr;
    for (const auto& candidate : candidates) {
        if (candidate.size() > longest || candidate.size() > word.size() + limit) continue;
        size_t distance = edit_distance(word, candidate);
        if (distance > limit || distance >= candidate.size()) continue;
        if (best && distance == limit) continue;
        best = &candidate;
        limit = distance;
    }
    if (!best) return std::nullopt;
    return *best;
}

namespace {

enum class Quotes { as_they_are, escaped };

std::string without_controls(std::string_view text, Quotes quotes) {
    std::string result;
    while (!text.empty()) {
        size_t length = utf8_length(text);
        auto byte = static_cast<unsigned char>(text[0]);
        // C1 controls (U+0080–U+009F) steer terminals as C0 ones do.
        bool control =
            byte < 0x20 || byte == 0x7f || (length == 2 && byte == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0);
        if (text[0] == '\n')
            result += "\\n";
        else if (text[0] == '\t')
            result += "\\t";
        else if (quotes == Quotes::escaped && (text[0] == '"' || text[0] == '\\'))
            (result += '\\') += text[0];
        else if (length == 0 || control)
            result += fmt::format("\\x{:02x}", byte);
        else
            result += text.substr(0, length);
        // An escaped byte of a longer sequence leaves its rest, which is then no valid sequence and is escaped too.
        text.remove_prefix(length == 0 || control ? 1 : length);
    }
    return result;
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string printable(std::string_view text) { return without_controls(text, Quotes::as_they_are); }

std::string quoted(std::string_view text) { return '"' + without_controls(text, Quotes::escaped) + '"'; }

std::string human_size(uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    constexpr const char* units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    auto value = static_cast<double>(bytes) / 1000;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < std::size(units)) {
        value /= 1000;
        unit++;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

std::optional<int64_t> parse_rfc3339(std::string_view text) {
    std::tm tm{};
    size_t at = 0;
    auto year = digits(text, at, 4);
    if (!year || !skip(text, at, "-")) return std::nullopt;
    auto month = digits(text, at, 2);
    if (!month || !skip(text, at, "-")) return std::nullopt;
    auto day = digits(text, at, 2);
    if (!day || !skip(text, at, "Tt ")) return std::nullopt;
    auto hour = digits(text, at, 2);
    if (!hour || !skip(text, at, ":")) return std::nullopt;
    auto minute = digits(text, at, 2);
    if (!minute || !skip(text, at, ":")) return std::nullopt;
    auto second = digits(text, at, 2);
    if (!second) return std::nullopt;
    if (skip(text, at, ".")) {
        size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
        if (end == at) return std::nullopt;
        at = end;
    }
    auto offset = zone_offset(text.substr(at));
    if (!offset || *month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    tm.tm_year = *year - 1900;
    tm.tm_mon = *month - 1;
    tm.tm_mday = *day;
    tm.tm_hour = *hour;
    tm.tm_min = *minute;
    tm.tm_sec = *second;
    int64_t seconds = timegm(&tm);
    if (tm.tm_mday != *day) return std::nullopt;  // timegm turned 31 April into 1 May
    return seconds - *offset;
}

std::string format_rfc3339(int64_t seconds) {
    std::tm tm{};
    auto time = static_cast<time_t>(seconds);
    gmtime_r(&time, &tm);
    char buffer[64];
    size_t length = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return {buffer, length};
}

}  // namespace gbuild
