#include "gbuild/dockerfile/pattern.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "utf8.h"

namespace gbuild::dockerfile {

namespace {

constexpr size_t max_pattern = 4096;

[[noreturn]] void malformed_pattern(std::string_view reason) {
    throw Error(ErrorKind::dockerfile, fmt::format("the pattern is malformed: {}", reason));
}

char32_t class_character(const std::u32string& text, size_t& at) {
    if (at < text.size() && (text[at] == U'-' || text[at] == U']')) {
        malformed_pattern(fmt::format("\"{}\" in a class needs a \"\\\" before it", text[at] == U'-' ? '-' : ']'));
    }
    if (at < text.size() && text[at] == U'\\') at++;
    if (at >= text.size()) malformed_pattern("a \"[\" is not closed");
    return text[at++];
}

}  // namespace

Pattern::Pattern(std::string_view text) {
    if (text.size() > max_pattern) {
        throw Error(ErrorKind::limit, fmt::format("a pattern is longer than {} bytes", max_pattern));
    }
    if (text.find_first_of("*?[]\\") == std::string_view::npos) {
        literal_ = text;
        return;
    }
    compile(text);
}

// moby's rules: "**" with or without a "/" after it stands for directories, but one at the very start of a pattern
// without other special characters matches any beginning ("**file" matches "a/myfile").
void Pattern::compile(std::string_view pattern) {
    std::u32string text = decode(pattern);
    bool plain_suffix = text.substr(0, 2) == U"**" && text.find_first_of(U"*?[]\\", 2) == std::u32string::npos;
    for (size_t at = 0; at < text.size();) {
        char32_t c = text[at++];
        if (c == U'*' && at < text.size() && text[at] == U'*') {
            at++;
            bool at_start = at == 2;
            bool slash = at < text.size() && text[at] == U'/';
            if (slash) at++;
            bool any = at == text.size() || (at_start && plain_suffix && !slash);
            tokens_.push_back({any ? Kind::anything : Kind::any_directories, 0, false, {}});
        } else if (c == U'*') {
            tokens_.push_back({Kind::any_name, 0, false, {}});
        } else if (c == U'?') {
            tokens_.push_back({Kind::any_character, 0, false, {}});
        } else if (c == U'[') {
            tokens_.push_back(compile_class(text, at));
        } else {
            if (c == U'\\') {
                if (at == text.size()) malformed_pattern("it ends in a \"\\\"");
                c = text[at++];
            }
            tokens_.push_back({Kind::literal, c, false, {}});
        }
    }
}

Pattern::Token Pattern::compile_class(const std::u32string& text, size_t& at) const {
    Token token{Kind::character_class, 0, false, {}};
    if (at < text.size() && text[at] == U'^') {
        token.negated = true;
        at++;
    }
    while (at >= text.size() || text[at] != U']' || token.ranges.empty()) {
        char32_t low = class_character(text, at);
        char32_t high = low;
        if (at < text.size() && text[at] == U'-') {
            at++;
            high = class_character(text, at);
            if (high < low) malformed_pattern("a range in a class runs backwards");
        }
        token.ranges.push_back({low, high});
    }
    at++;
    return token;
}

bool Pattern::matches_character(const Token& token, char32_t character) {
    switch (token.kind) {
    case Kind::literal: return token.character == character;
    case Kind::any_character: return character != U'/';
    case Kind::character_class: {
        bool inside = std::any_of(token.ranges.begin(), token.ranges.end(), [&](const Range& range) {
            return range.low <= character && character <= range.high;
        });
        return inside != token.negated;
    }
    default: return false;
    }
}

// All places in the pattern that the text so far can have led to are followed at once, which keeps the time linear in
// the path however many stars there are. Place 2i means: the tokens before i are matched; 2i + 1: in the middle of the
// any_directories token i.
bool Pattern::run(PatternInput& input, Parents parents) const {
    const auto end = static_cast<uint32_t>(tokens_.size() * 2);
    input.places_.clear();
    input.next_places_.clear();
    input.reached_.assign(end + 2, 0);
    size_t time = 1;
    reach(0, input, time);
    for (char32_t c : input.text_) {
        input.places_.swap(input.next_places_);
        if (input.places_.empty()) return false;
        if (c == U'/' && parents == Parents::counted && input.reached_[end] == time) return true;
        input.next_places_.clear();
        time++;
        for (uint32_t place : input.places_) step(place, c, input, time);
    }
    return input.reached_[end] == time;
}

void Pattern::step(uint32_t place, char32_t character, PatternInput& input, size_t time) const {
    if (place / 2 == tokens_.size()) return;
    const Token& token = tokens_[place / 2];
    uint32_t after = (place / 2 + 1) * 2;
    if (token.kind == Kind::any_directories) {
        reach(place | 1, input, time);
        if (character == U'/') reach(after, input, time);
    } else if (token.kind == Kind::anything || (token.kind == Kind::any_name && character != U'/')) {
        reach(place, input, time);
    } else if (matches_character(token, character)) {
        reach(after, input, time);
    }
}

// Also what follows without a character, past tokens that may be empty.
void Pattern::reach(uint32_t place, PatternInput& input, size_t time) const {
    while (input.reached_[place] != time) {
        input.reached_[place] = time;
        input.next_places_.push_back(place);
        if (place % 2 == 1 || place / 2 == tokens_.size()) return;
        Kind kind = tokens_[place / 2].kind;
        if (kind != Kind::any_name && kind != Kind::any_directories && kind != Kind::anything) return;
        place += 2;
    }
}

PatternInput::PatternInput(std::string_view path) : path_(path), text_(decode(path)) {}

bool Pattern::matches(std::string_view path) const {
    if (tokens_.empty()) return path == literal_;
    PatternInput input(path);
    return run(input, Parents::ignored);
}

bool Pattern::matches_path_or_parent(std::string_view path) const {
    PatternInput input(path);
    return matches_path_or_parent(input);
}

bool Pattern::matches_path_or_parent(PatternInput& input) const {
    if (!tokens_.empty()) return run(input, Parents::counted);
    std::string_view path = input.path_;
    if (path.substr(0, literal_.size()) != literal_) return false;
    return path.size() == literal_.size() || (path[literal_.size()] == '/' && !literal_.empty());
}

}  // namespace gbuild::dockerfile
