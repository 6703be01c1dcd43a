// The pattern language of .dockerignore and COPY, compiled.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::dockerfile {

// A path made ready to be matched with many patterns. Not to be shared by threads.
class PatternInput {
  public:
    explicit PatternInput(std::string_view path);

  private:
    friend class Pattern;
    std::string_view path_;
    std::u32string text_;
    // Where in a pattern the text so far can have led to, and when each place was last reached.
    std::vector<uint32_t> places_, next_places_;
    std::vector<size_t> reached_;
};

// Time to match is bounded by pattern length × path length.
class Pattern {
  public:
    // Throws dockerfile (without a place) for a malformed pattern and limit for one longer than 4096 bytes.
    explicit Pattern(std::string_view text);

    // The whole of `path`.
    bool matches(std::string_view path) const;
    // `path` or a directory above it ("a/b" is above "a/b/c").
    bool matches_path_or_parent(std::string_view path) const;
    bool matches_path_or_parent(PatternInput& input) const;

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
    bool run(PatternInput& input, Parents parents) const;
    void step(uint32_t place, char32_t character, PatternInput& input, size_t time) const;
    void reach(uint32_t place, PatternInput& input, size_t time) const;
    static bool matches_character(const Token& token, char32_t character);
    std::vector<Token> tokens_;
    std::string literal_;  // the whole pattern when it has no special characters
};

}  // namespace gbuild::dockerfile
