// Text for people: safe to show, measured in columns, numbers in friendly units.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::cli {

// A piece of text as a terminal may show it.
struct Glyph {
    size_t bytes;      // of the input
    std::string text;  // the character, or its escape
    int columns;
};

// The first glyph of `text`, which must not be empty. Control characters, invalid UTF-8, line separators and characters
// that change the direction of text become escapes: \n, \x1b, \u202e.
Glyph first_glyph(std::string_view text);

// Text from outside (Dockerfiles, registries, file names) made safe to print on one line.
std::string safe_text(std::string_view text);

// Columns that safe text takes on a terminal.
int display_width(std::string_view safe);
// Safe text cut to at most `columns`, "…" at the end when something is missing.
std::string clip(std::string_view safe, int columns);

std::string human_duration(std::chrono::milliseconds duration);  // "0.3 s", "12.4 s", "2 min 03 s", "1 h 02 min"
std::string human_age(int64_t seconds);                          // "5 minutes ago"
std::string human_block_size(uint64_t bytes);                    // "128 KiB", "1 MiB"

// Rows in left-aligned columns, two spaces apart, no trailing spaces. Cells must be safe text.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

// Words filled into lines of at most `width` columns, lines after the first indented by `indent`.
std::string wrap(std::string_view words, size_t indent, size_t width);

}  // namespace gbuild::cli
