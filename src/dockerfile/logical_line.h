// Logical lines: directives, comments, continuations and heredoc bodies taken off the physical ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source_text.h"

namespace gbuild::dockerfile {

// An instruction's text with its continuation lines joined, and where each byte of it was written.
class LogicalLine {
  public:
    explicit LogicalLine(const SourceText& source) : source_(&source) {}

    void append(std::string_view text, int line, int column);

    const std::string& text() const { return text_; }
    int first_line() const { return pieces_.front().line; }
    int last_line() const { return last_line_; }
    void set_last_line(int line) { last_line_ = line; }
    std::optional<int> empty_continuation() const { return empty_continuation_; }
    void set_empty_continuation(int line) { empty_continuation_ = line; }

    // The place of `length` bytes at `offset`; cut at the end of the physical line. An offset at the end of the text is
    // the place just after it.
    SourceSpan span(size_t offset, size_t length) const;
    // Of a part of text().
    SourceSpan span(std::string_view part) const;
    const SourceText& source() const { return *source_; }

  private:
    struct Piece {
        size_t offset;
        int line;
        int column;
    };
    const SourceText* source_;
    std::string text_;
    std::vector<Piece> pieces_;
    int last_line_ = 0;
    std::optional<int> empty_continuation_;
};

struct Directives {
    std::string syntax, check;
    char escape = '\\';
    SourceSpan check_span;
    int last_line = 0;  // that they take
};

// The directives at the top of the file. Throws dockerfile for a repeated one and for a bad escape character.
Directives read_directives(const SourceText& source);

class LineReader {
  public:
    LineReader(const SourceText& source, char escape) : source_(source), escape_(escape) {}

    // The next line that holds an instruction; nullopt at the end of the file.
    std::optional<LogicalLine> next();
    // The lines up to `delimiter`, which is taken, too; leading tabs are dropped when asked. nullopt when the file ends
    // first.
    std::optional<std::string> heredoc_body(std::string_view delimiter, bool strip_tabs);
    // Of what has been read so far.
    int last_line() const { return next_line_ - 1; }

  private:
    const SourceText& source_;
    char escape_;
    int next_line_ = 1;
};

}  // namespace gbuild::dockerfile
