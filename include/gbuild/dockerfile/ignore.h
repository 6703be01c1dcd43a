// .dockerignore and the pattern language it shares with COPY.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/dockerfile/pattern.h"

namespace gbuild::dockerfile {

// Go's filepath.Match plus "**": "*" and "?" do not cross "/", "[a-z]" and "[^…]" are classes, "\" escapes. Throws
// dockerfile for a malformed pattern.
bool match_pattern(std::string_view pattern, std::string_view path);

struct IgnoreLine {
    std::string pattern;  // cleaned, without leading "/"; a "!" in front negates it
    int line = 0;
};
// The patterns of a .dockerignore: byte order mark and line ends stripped, comments ("#" in column 0) and blank lines
// left out. Throws limit beyond 16 MiB or 100,000 patterns.
std::vector<IgnoreLine> read_ignore_file(std::string_view text);

class IgnoreRules {
  public:
    IgnoreRules() = default;  // excludes nothing
    // Throws dockerfile with file and line of a malformed pattern.
    static IgnoreRules parse(std::string_view text, std::string file);
    // From patterns (COPY --exclude), in the same language.
    static IgnoreRules from_patterns(const std::vector<std::string>& patterns);

    // `path` is relative, cleaned, without leading "/". The last matching rule wins; a rule that matches a parent
    // matches.
    bool excluded(std::string_view path) const;
    // Some rule is negated, so that an excluded directory may hold files that are not.
    bool may_reinclude() const { return has_negated_; }
    // Whether a negated rule may match something below `path`; "": anywhere.
    bool may_reinclude_below(std::string_view path) const;
    bool empty() const { return rules_.empty(); }

  private:
    struct Rule {
        Pattern pattern;
        bool negated;
        std::vector<std::string> names;  // of a negated one: the pattern, split at "/"
    };
    void add(std::string_view pattern);
    std::vector<Rule> rules_;
    bool has_negated_ = false;
};

}  // namespace gbuild::dockerfile
