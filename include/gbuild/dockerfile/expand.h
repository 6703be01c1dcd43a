// Word expansion: $x ${x} ${x:-w} ${x-w} ${x:+w} ${x+w} ${x:?m} ${x?m} ${x#p} ${x##p} ${x%p} ${x%%p} ${x/p/r}
// ${x//p/r}, with quotes and escapes as BuildKit's shell lexer has them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::dockerfile {

// nullopt: not set.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

struct Expander {
    Lookup lookup;
    char escape = '\\';
    // Names that were used but not set, for warnings; may be null.
    std::vector<std::string>* unset = nullptr;

    // One word: quotes removed, no splitting. Throws dockerfile (without a place: the caller knows it).
    std::string word(std::string_view text) const;
    // Split at unquoted white space after expansion: several words, or none.
    std::vector<std::string> words(std::string_view text) const;
    // A heredoc's body: variables only, quotes are literal.
    std::string heredoc(std::string_view text) const;
};

}  // namespace gbuild::dockerfile
