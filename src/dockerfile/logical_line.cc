#include "logical_line.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "characters.h"
#include "gbuild/base/text.h"

namespace gbuild::dockerfile {

namespace {

bool is_comment(std::string_view line) { return trim_blanks(line).substr(0, 1) == "#"; }

// Cuts the continuation character and the blanks after it; false when the line does not continue. Two escape characters
// are an escaped one, not a continuation.
bool cut_continuation(std::string_view& line, char escape) {
    std::string_view body = line;
    while (!body.empty() && (body.back() == ' ' || body.back() == '\t')) body.remove_suffix(1);
    if (body.empty() || body.back() != escape) return false;
    body.remove_suffix(1);
    if (!body.empty() && body.back() == escape) return false;
    line = body;
    return true;
}

struct DirectiveLine {
    std::string name;
    std::string_view value;
};

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<DirectiveLine> split_directive(std::string_view line) {
    line = trim(line);
    if (line.substr(0, 1) != "#") return std::nullopt;
    line = trim(line.substr(1));
    size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    std::string_view name = trim(line.substr(0, equals));
    std::string_view value = trim(line.substr(equals + 1));
    if (name.empty() || value.empty() || !std::all_of(name.begin(), name.end(), is_alphanumeric)) return std::nullopt;
    return DirectiveLine{to_lower(name), value};
}

SourceSpan span_of(const SourceText& source, int line, std::string_view part) {
    auto column = part.data() - source.line(line).data() + 1;
    return source.span(line, static_cast<int>(column), static_cast<int>(part.size()));
}

}  // namespace

void LogicalLine::append(std::string_view text, int line, int column) {
    pieces_.push_back({text_.size(), line, column});
    text_ += text;
    last_line_ = line;
}

SourceSpan LogicalLine::span(size_t offset, size_t length) const {
    auto after = std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                                  [](size_t at, const Piece& piece) { return at < piece.offset; });
    const Piece& piece = *(after - 1);
    size_t end = after == pieces_.end() ? text_.size() : after->offset;
    size_t shown = std::max<size_t>(1, std::min(length, end - offset));
    return source_->span(piece.line, piece.column + static_cast<int>(offset - piece.offset), static_cast<int>(shown));
}

SourceSpan LogicalLine::span(std::string_view part) const {
    return span(static_cast<size_t>(part.data() - text_.data()), part.size());
}

Directives read_directives(const SourceText& source) {
    Directives result;
    std::set<std::string> seen;
    const bool is_program = source.line_count() > 0 && source.line(1).starts_with("#!");
    for (int number = is_program ? 2 : 1; number <= source.line_count(); number++) {
        auto directive = split_directive(source.line(number));
        if (!directive) break;
        const auto& [name, value] = *directive;
        if (name != "syntax" && name != "escape" && name != "check") break;
        if (!seen.insert(name).second) {
            fail_at(source.span(number, 0, 1), fmt::format("the {} directive is given twice", name),
                    "keep one of the two lines");
        }
        result.last_line = number;
        if (name == "syntax") result.syntax = value;
        if (name == "check") {
            result.check = value;
            result.check_span = span_of(source, number, value);
        }
        // As BuildKit has it: in a file that is a program by itself, "escape" is a comment.
        if (name != "escape" || is_program) continue;
        if (value != "\\" && value != "`") {
            fail_at(span_of(source, number, value), fmt::format("{} cannot be the escape character", quoted(value)),
                    "use \\ or `");
        }
        result.escape = value[0];
    }
    return result;
}

std::optional<LogicalLine> LineReader::next() {
    while (next_line_ <= source_.line_count()) {
        std::string_view text = source_.line(next_line_);
        int number = next_line_++;
        if (is_comment(text) || trim_blanks(text).empty()) continue;

        LogicalLine line(source_);
        bool more = cut_continuation(text, escape_);
        line.append(text, number, 1);
        while (more && next_line_ <= source_.line_count()) {
            number = next_line_++;
            text = source_.line(number);
            line.set_last_line(number);
            if (is_comment(text)) continue;
            if (trim_blanks(text).empty()) {
                if (!line.empty_continuation()) line.set_empty_continuation(number);
                continue;
            }
            more = cut_continuation(text, escape_);
            line.append(text, number, 1);
        }
        if (!trim_blanks(line.text()).empty()) return line;
    }
    return std::nullopt;
}

std::optional<std::string> LineReader::heredoc_body(std::string_view delimiter, bool strip_tabs) {
    std::string body;
    while (next_line_ <= source_.line_count()) {
        int number = next_line_++;
        size_t tabs =
            strip_tabs ? std::min(source_.line(number).find_first_not_of('\t'), source_.line(number).size()) : 0;
        if (source_.line(number).substr(tabs) == delimiter) return body;
        body += source_.raw_line(number).substr(tabs);
    }
    return std::nullopt;
}

}  // namespace gbuild::dockerfile
