#include "gbuild/cli/styled_text.h"

#include <algorithm>

#include "gbuild/cli/display.h"

namespace gbuild::cli {

namespace {

constexpr std::string_view reset_style = "\x1b[0m";
constexpr size_t longest_sequence = 64, longest_state = 256;

// The length of the SGR sequence that the text begins with; 0 when it begins with something else.
size_t sgr_length(std::string_view text) {
    if (!text.starts_with("\x1b[")) return 0;
    const size_t end = text.find_first_not_of("0123456789;:", 2);
    return end < longest_sequence && end < text.size() && text[end] == 'm' ? end + 1 : 0;
}

// Calls glyph(Glyph) and sequence(text) for what the line is made of, until one of them returns false.
template <class TakeGlyph, class TakeSequence>
void take_apart(std::string_view text, TakeGlyph&& glyph, TakeSequence&& sequence) {
    while (!text.empty()) {
        if (const size_t length = sgr_length(text); length > 0) {
            sequence(text.substr(0, length));
            text.remove_prefix(length);
            continue;
        }
        Glyph next = first_glyph(text);
        const size_t bytes = next.bytes;
        if (!glyph(std::move(next))) return;
        text.remove_prefix(bytes);
    }
}

}  // namespace

std::string StyledText::line(std::string_view text) {
    std::string result = active_;
    take_apart(
        text,
        [&](const Glyph& glyph) {
            result += glyph.text;
            return true;
        },
        [&](std::string_view sequence) {
            if (color_ == Color::off) return;
            result += sequence;
            remember(sequence);
        });
    if (!active_.empty()) result += reset_style;
    return result;
}

void StyledText::remember(std::string_view sequence) {
    const std::string_view parameters = sequence.substr(2, sequence.size() - 3);
    const std::string_view first = parameters.substr(0, parameters.find_first_of(";:"));
    const bool resets = first.find_first_not_of('0') == std::string_view::npos;
    // A program that never resets is not to fill the memory.
    if (resets || active_.size() > longest_state) active_.clear();
    const bool only_resets = parameters.find_first_not_of("0;") == std::string_view::npos;
    if (!only_resets) active_ += sequence;
}

int styled_width(std::string_view styled) {
    int width = 0;
    take_apart(
        styled,
        [&](const Glyph& glyph) {
            width += glyph.columns;
            return true;
        },
        [](std::string_view) {});
    return width;
}

std::string clip_styled(std::string_view styled, int columns) {
    if (styled_width(styled) <= columns) return std::string(styled);
    if (columns <= 0) return {};
    std::string result;
    int room = columns - 1;
    bool has_style = false;
    take_apart(
        styled,
        [&](const Glyph& glyph) {
            if (glyph.columns > room) return false;
            room -= glyph.columns;
            result += glyph.text;
            return true;
        },
        [&](std::string_view sequence) {
            result += sequence;
            has_style = true;
        });
    result += "…";
    if (has_style) result += reset_style;
    return result;
}

}  // namespace gbuild::cli
