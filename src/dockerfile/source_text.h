// A Dockerfile's text cut into lines, and places in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/error.h"

namespace gbuild::dockerfile {

// Caps that keep a hostile file from costing more than a large honest one.
inline constexpr size_t max_file_size = 16u << 20;
inline constexpr size_t max_lines = 1'000'000;
inline constexpr size_t max_instructions = 100'000;
inline constexpr size_t max_flags = 256;
// Spans carry no more of their line than this: thousands may point into one line of megabytes.
inline constexpr size_t max_span_source = 4096;

// Views into the text given, which must outlive it. Lines count from 1.
class SourceText {
  public:
    // Strips a UTF-8 byte order mark. Throws limit for a file that is too large and dockerfile for one that is no text.
    SourceText(std::string_view text, std::string file);

    const std::string& file() const { return file_; }
    int line_count() const { return static_cast<int>(lines_.size()); }
    std::string_view line(int number) const;  // without "\n" or "\r\n"
    std::string_view raw_line(int number) const { return lines_[static_cast<size_t>(number) - 1]; }
    SourceSpan span(int line, int column, int length) const;

  private:
    std::string file_;
    std::vector<std::string_view> lines_;  // with their line ends
};

// The span's `source` for a line: its first max_span_source bytes.
std::string span_source(std::string_view line);

[[noreturn]] void fail_at(SourceSpan span, std::string message, std::string hint);

}  // namespace gbuild::dockerfile
