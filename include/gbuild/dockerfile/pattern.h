// The pattern language of .dockerignore and COPY, compiled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gbuild::dockerfile {

// Time to match is bounded by pattern length × path length.
class Pattern {
  public:
    // Throws dockerfile (without a place) for a malformed pattern and limit for one longer than 4096 bytes.
    explicit Pattern(std::string_view text);

    // The whole of `path`.
    bool matches(std::string_view path) const;
    // `path` or a directory above it ("a/b" is above "a/b/c").
    bool matches_path_or_parent(std::string_view path) const;

  private:
    enum class Kind {
        literal,
        any_character,    // ?
        character_class,  // [a-z]
        any_name,         // *: within one name
        any_directories,  // **/ and ** before something: nothing, or anything up to a "/"
        anything,         // ** at the end
    };
    struct Range {
        char32_t low, high;
    };
    struct Token {
        Kind kind;
        char32_t character = 0;
        bool negated = false;
        std::vector<Range> ranges;
    };
    enum class Parents { ignored, counted };

    void compile(std::string_view text);
    Token compile_class(const std::u32string& text, size_t& at) const;
    bool run(std::string_view path, Parents parents) const;
    static bool matches_character(const Token& token, char32_t character);
    std::vector<Token> tokens_;
    std::string literal_;  // the whole pattern when it has no special characters
};

}  // namespace gbuild::dockerfile
