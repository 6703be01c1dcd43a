// The patterns of ${x#p} and its relatives: "*" and "?", with "\" before a character that shall not be special.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gbuild::dockerfile {

enum class Extent { shortest, longest };
enum class Occurrences { first, all };

class ShellPattern {
  public:
    // Throws dockerfile (without a place) for a "\" before any other character.
    explicit ShellPattern(std::string_view text);

    // `value` without the prefix or suffix that matches. Throws limit when pattern and value together are too large.
    std::string without_prefix(std::string_view value, Extent extent) const;
    std::string without_suffix(std::string_view value, Extent extent) const;
    // Matches are the leftmost and, from there, the longest.
    std::string replaced(std::string_view value, std::string_view replacement, Occurrences occurrences) const;

  private:
    struct Token {
        enum class Kind { literal, any_character, any_text } kind;
        char32_t character = 0;
    };
    static constexpr size_t no_match = static_cast<size_t>(-1);

    // The end of the match that begins at `begin`, no_match when there is none.
    static size_t match_end(const std::vector<Token>& tokens, std::u32string_view text, size_t begin, Extent extent);
    // For each position of `text`: does a match begin there?
    std::vector<bool> match_begins(const std::u32string& text) const;
    void check_size(const std::u32string& text) const;

    std::vector<Token> tokens_;
};

}  // namespace gbuild::dockerfile
