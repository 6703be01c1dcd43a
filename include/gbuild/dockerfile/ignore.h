// .dockerignore and the pattern language it shares with COPY.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gbuild::dockerfile {

// Go's filepath.Match plus "**": "*" and "?" do not cross "/", "[a-z]" and "[^…]" are classes, "\" escapes. Throws
// dockerfile for a malformed pattern.
bool match_pattern(std::string_view pattern, std::string_view path);

class IgnoreRules {
  public:
    IgnoreRules() = default;  // excludes nothing
    // Throws dockerfile with file and line of a malformed pattern.
    static IgnoreRules parse(std::string_view text, std::string file);
    // From patterns (COPY --exclude), in the same language.
    static IgnoreRules from_patterns(const std::vector<std::string>& patterns);

    // `path` is relative, cleaned, without leading "/". The last matching rule wins; a rule that matches a parent matches.
    bool excluded(std::string_view path) const;
    // Some rule is negated, so that an excluded directory may hold files that are not.
    bool may_reinclude() const { return has_negated_; }
    bool empty() const { return rules_.empty(); }

  private:
    struct Rule {
        std::string pattern;
        bool negated;
    };
    std::vector<Rule> rules_;
    bool has_negated_ = false;
};

}  // namespace gbuild::dockerfile
