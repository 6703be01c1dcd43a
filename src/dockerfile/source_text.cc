#include "source_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::dockerfile {

namespace {

void check_is_text(std::string_view text, const std::string& file) {
    if (text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF") {
        throw Error(ErrorKind::dockerfile, fmt::format("{} is UTF-16 text", quoted(file)))
            .hint("save it as UTF-8")
            .at({file, 1, 0, 1, ""});
    }
    if (size_t at = text.find('\0'); at != std::string_view::npos) {
        auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
        throw Error(ErrorKind::dockerfile, fmt::format("{} holds a NUL byte, so it is no text file", quoted(file)))
            .hint("check that the right file was given")
            .at({file, static_cast<int>(line), 0, 1, ""});
    }
}

}  // namespace

SourceText::SourceText(std::string_view text, std::string file) : file_(std::move(file)) {
    if (text.size() > max_file_size) {
        throw Error(ErrorKind::limit, fmt::format("{} is larger than {}", quoted(file_), human_size(max_file_size)))
            .hint("put data into files of their own and COPY them");
    }
    if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
    check_is_text(text, file_);
    while (!text.empty()) {
        size_t end = text.find('\n');
        size_t length = end == std::string_view::npos ? text.size() : end + 1;
        lines_.push_back(text.substr(0, length));
        text.remove_prefix(length);
        if (lines_.size() > max_lines) {
            throw Error(ErrorKind::limit, fmt::format("{} has more than {} lines", quoted(file_), max_lines))
                .hint("put data into files of their own and COPY them");
        }
    }
}

std::string_view SourceText::line(int number) const {
    std::string_view text = raw_line(number);
    if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return text;
}

SourceSpan SourceText::span(int line_number, int column, int length) const {
    return {file_, line_number, column, length, span_source(line(line_number))};
}

std::string span_source(std::string_view line) { return std::string(line.substr(0, max_span_source)); }

void fail_at(SourceSpan span, std::string message, std::string hint) {
    throw Error(ErrorKind::dockerfile, std::move(message)).hint(std::move(hint)).at(std::move(span));
}

}  // namespace gbuild::dockerfile
