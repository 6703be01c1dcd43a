#include "gbuild/dockerfile/ast.h"

#include <algorithm>

#include "source_text.h"

namespace gbuild::dockerfile {

const Flag* Instruction::flag(std::string_view flag_name) const {
    auto found = std::find_if(flags.begin(), flags.end(), [&](const Flag& flag) { return flag.name == flag_name; });
    return found == flags.end() ? nullptr : &*found;
}

void WordSpans::add(SourceSpan span) {
    if (spans_.size() == most) return;
    lines_.try_emplace(span.line, std::move(span.source));
    span.source = {};
    spans_.push_back(std::move(span));
}

std::optional<SourceSpan> WordSpans::at(size_t word) const {
    if (word >= spans_.size()) return std::nullopt;
    SourceSpan span = spans_[word];
    span.source = lines_.at(span.line);
    return span;
}

SourceSpan Dockerfile::span_of_line(int line) const {
    std::string source;
    if (line >= 1 && static_cast<size_t>(line) <= lines.size())
        source = span_source(lines[static_cast<size_t>(line) - 1]);
    return {file, line, 0, 1, source};
}

SourceSpan Dockerfile::span_of(const Instruction& instruction, std::string_view part) const {
    if (part.empty() || instruction.is_trigger) return instruction.span;
    // Of a long part its beginning will do, and of a long line what spans show of it.
    std::string_view beginning = part.substr(0, max_span_source / 2);
    int last = std::min(instruction.last_line, static_cast<int>(lines.size()));
    for (int number = instruction.first_line; number <= last; number++) {
        std::string_view line = std::string_view(lines[static_cast<size_t>(number) - 1]).substr(0, max_span_source);
        size_t from = 0;
        if (number == instruction.span.line) {
            from = static_cast<size_t>(instruction.span.column) - 1 + static_cast<size_t>(instruction.span.length);
        }
        size_t at = line.find(beginning, from);
        if (at == std::string_view::npos) continue;
        size_t length = std::min(part.size(), line.size() - at);
        return {file, number, static_cast<int>(at) + 1, static_cast<int>(length), std::string(line)};
    }
    return instruction.span;
}

}  // namespace gbuild::dockerfile
