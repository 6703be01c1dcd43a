#include "shell_pattern.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "utf8.h"

namespace gbuild::dockerfile {

namespace {

// Pattern positions × value characters; far above any honest use, and a fraction of a second.
constexpr size_t max_work = 64u << 20;

}  // namespace

ShellPattern::ShellPattern(std::string_view pattern) {
    std::u32string text = decode(pattern);
    for (size_t i = 0; i < text.size(); i++) {
        char32_t c = text[i];
        if (c == U'*') {
            tokens_.push_back({Token::Kind::any_text});
        } else if (c == U'?') {
            tokens_.push_back({Token::Kind::any_character});
        } else {
            if (c == U'\\') {
                i++;
                if (i == text.size() || std::u32string_view(U"*?\\/}").find(text[i]) == std::u32string_view::npos) {
                    throw Error(ErrorKind::dockerfile,
                                fmt::format("the pattern {} has a misplaced \"\\\"", quoted(pattern)))
                        .hint("only * ? \\ / and } take a \"\\\" before them");
                }
                c = text[i];
            }
            tokens_.push_back({Token::Kind::literal, c});
        }
    }
}

void ShellPattern::check_size(const std::u32string& text) const {
    if ((tokens_.size() + 1) * (text.size() + 1) > max_work) {
        throw Error(ErrorKind::limit, "a pattern and the value it is matched with are too large together");
    }
}

size_t ShellPattern::match_end(const std::vector<Token>& tokens, std::u32string_view text, size_t begin,
                               Extent extent) {
    size_t count = tokens.size();
    std::vector<char> at(count + 1, 0), next(count + 1, 0);
    at[0] = 1;
    size_t found = no_match;
    for (size_t position = begin;; position++) {
        bool alive = false;
        for (size_t i = 0; i < count; i++) {
            if (at[i] && tokens[i].kind == Token::Kind::any_text) at[i + 1] = 1;
            alive = alive || at[i];
        }
        if (at[count]) found = position;
        if ((found != no_match && extent == Extent::shortest) || !alive || position == text.size()) return found;
        std::fill(next.begin(), next.end(), 0);
        for (size_t i = 0; i < count; i++) {
            if (!at[i]) continue;
            const Token& token = tokens[i];
            if (token.kind == Token::Kind::any_text)
                next[i] = 1;
            else if (token.kind == Token::Kind::any_character || token.character == text[position])
                next[i + 1] = 1;
        }
        at.swap(next);
    }
}

// Runs the pattern backwards from every position at once: one pass, where trying each position in turn would take
// quadratic time.
std::vector<bool> ShellPattern::match_begins(const std::u32string& text) const {
    size_t count = tokens_.size();
    std::vector<bool> begins(text.size() + 1, false);
    std::vector<char> at(count + 1, 0), next(count + 1, 0);
    for (size_t position = text.size() + 1; position-- > 0;) {
        at[count] = 1;
        for (size_t i = count; i-- > 0;) {
            if (at[i + 1] && tokens_[i].kind == Token::Kind::any_text) at[i] = 1;
        }
        begins[position] = at[0];
        if (position == 0) break;
        std::fill(next.begin(), next.end(), 0);
        for (size_t i = count; i-- > 0;) {
            if (!at[i + 1]) continue;
            const Token& token = tokens_[i];
            if (token.kind == Token::Kind::any_text)
                next[i + 1] = 1;
            else if (token.kind == Token::Kind::any_character || token.character == text[position - 1])
                next[i] = 1;
        }
        at.swap(next);
    }
    return begins;
}

std::string ShellPattern::without_prefix(std::string_view value, Extent extent) const {
    std::u32string text = decode(value);
    check_size(text);
    size_t end = match_end(tokens_, text, 0, extent);
    return end == no_match ? std::string(value) : encode(std::u32string_view(text).substr(end));
}

std::string ShellPattern::without_suffix(std::string_view value, Extent extent) const {
    std::u32string text = decode(value);
    check_size(text);
    std::vector<Token> tokens(tokens_.rbegin(), tokens_.rend());
    std::u32string reversed(text.rbegin(), text.rend());
    size_t end = match_end(tokens, reversed, 0, extent);
    return end == no_match ? std::string(value) : encode(std::u32string_view(text).substr(0, text.size() - end));
}

std::string ShellPattern::replaced(std::string_view value, std::string_view replacement,
                                   Occurrences occurrences) const {
    std::u32string text = decode(value);
    check_size(text);
    std::u32string with = decode(replacement);
    std::vector<bool> begins = match_begins(text);
    std::u32string result;
    size_t position = 0;
    size_t matches = 0;
    bool after_match = false;
    while (position <= text.size()) {
        bool wanted = begins[position] && (occurrences == Occurrences::all || matches == 0);
        size_t end = wanted ? match_end(tokens_, text, position, Extent::longest) : no_match;
        bool empty = end == position;
        // An empty match right after another match is none.
        if (end != no_match && !(empty && after_match)) {
            result += with;
            matches++;
            if (matches * with.size() > max_work) throw Error(ErrorKind::limit, "a replacement grows too large");
        }
        after_match = end != no_match && !empty;
        if (after_match) {
            position = end;
        } else {
            if (position < text.size()) result += text[position];
            position++;
        }
    }
    return encode(result);
}

}  // namespace gbuild::dockerfile
