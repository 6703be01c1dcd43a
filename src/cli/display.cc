#include "gbuild/cli/display.h"

#include <wchar.h>

#include <algorithm>

#include <fmt/format.h>

namespace gbuild::cli {

namespace {

struct Decoded {
    char32_t character = 0;
    size_t bytes = 0;  // 0: not valid UTF-8
};

Decoded decode_utf8(std::string_view text) {
    auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
    auto character = static_cast<char32_t>(lead & (0x7F >> length));
    for (size_t i = 1; i < length; i++) {
        if ((byte(i) & 0xC0) != 0x80) return {};
        character = (character << 6) | (byte(i) & 0x3F);
    }
    constexpr char32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = character >= 0xD800 && character <= 0xDFFF;
    if (character < lowest[length] || character > 0x10FFFF || surrogate) return {};
    return {character, length};
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

// Characters that reorder or hide the text around them (Unicode TR 36), or that some terminals take as line ends.
bool is_deceptive(char32_t c) {
    return c == 0x61C || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) ||
           c == 0xFEFF || (c >= 0xE0000 && c <= 0xE007F);
}

Glyph escape(size_t bytes, std::string text) {
    auto columns = static_cast<int>(text.size());
    return {bytes, std::move(text), columns};
}

std::string count_ago(int64_t count, std::string_view unit) {
    return fmt::format("{} {}{} ago", count, unit, count == 1 ? "" : "s");
}

}  // namespace

Glyph first_glyph(std::string_view text) {
    Decoded decoded = decode_utf8(text);
    if (decoded.bytes == 0) return escape(1, fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0])));
    char32_t c = decoded.character;
    if (c == '\n') return escape(1, "\\n");
    if (c == '\t') return escape(1, "\\t");
    if (c == '\r') return escape(1, "\\r");
    if (is_control(c)) return escape(decoded.bytes, fmt::format("\\x{:02x}", static_cast<uint32_t>(c)));
    if (is_deceptive(c)) return escape(decoded.bytes, fmt::format("\\u{:04x}", static_cast<uint32_t>(c)));
    int columns = c < 0x80 ? 1 : std::max(0, ::wcwidth(static_cast<wchar_t>(c)));
    return {decoded.bytes, std::string(text.substr(0, decoded.bytes)), columns};
}

std::string safe_text(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        Glyph glyph = first_glyph(text);
        result += glyph.text;
        text.remove_prefix(glyph.bytes);
    }
    return result;
}

int display_width(std::string_view safe) {
    int width = 0;
    while (!safe.empty()) {
        Glyph glyph = first_glyph(safe);
        width += glyph.columns;
        safe.remove_prefix(glyph.bytes);
    }
    return width;
}

std::string clip(std::string_view safe, int columns) {
    if (display_width(safe) <= columns) return std::string(safe);
    if (columns <= 0) return {};
    std::string result;
    int room = columns - 1;
    while (!safe.empty()) {
        Glyph glyph = first_glyph(safe);
        if (glyph.columns > room) break;
        room -= glyph.columns;
        result += glyph.text;
        safe.remove_prefix(glyph.bytes);
    }
    return result + "…";
}

std::string human_duration(std::chrono::milliseconds duration) {
    int64_t tenths = std::max<int64_t>(0, (duration.count() + 50) / 100);
    if (tenths < 600) return fmt::format("{}.{} s", tenths / 10, tenths % 10);
    int64_t seconds = tenths / 10;
    if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
}

std::string human_age(int64_t seconds) {
    constexpr int64_t minute = 60, hour = 60 * minute, day = 24 * hour, month = 30 * day, year = 365 * day;
    if (seconds < minute) return "just now";
    if (seconds < hour) return count_ago(seconds / minute, "minute");
    if (seconds < day) return count_ago(seconds / hour, "hour");
    if (seconds < 2 * month) return count_ago(seconds / day, "day");
    if (seconds < 2 * year) return count_ago(seconds / month, "month");
    return count_ago(seconds / year, "year");
}

std::string human_block_size(uint64_t bytes) {
    if (bytes >= 1u << 20 && bytes % (1u << 20) == 0) return fmt::format("{} MiB", bytes >> 20);
    if (bytes >= 1u << 10 && bytes % (1u << 10) == 0) return fmt::format("{} KiB", bytes >> 10);
    return fmt::format("{} B", bytes);
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<int> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); i++) widths[i] = std::max(widths[i], display_width(row[i]));
    }
    std::string result;
    for (const auto& row : rows) {
        for (size_t i = 0; i < row.size(); i++) {
            result += row[i];
            if (i + 1 < row.size()) result.append(static_cast<size_t>(widths[i] - display_width(row[i])) + 2, ' ');
        }
        result.erase(result.find_last_not_of(' ') + 1);
        result += '\n';
    }
    return result;
}

std::string wrap(std::string_view words, size_t indent, size_t width) {
    std::string result;
    size_t column = indent;
    while (!words.empty()) {
        std::string_view word = words.substr(0, words.find(' '));
        words.remove_prefix(std::min(words.size(), word.size() + 1));
        if (column > indent && column + 1 + word.size() > width) {
            result += '\n';
            result.append(indent, ' ');
            column = indent;
        }
        if (column > indent) result += ' ', column++;
        result += word;
        column += word.size();
    }
    return result;
}

}  // namespace gbuild::cli
