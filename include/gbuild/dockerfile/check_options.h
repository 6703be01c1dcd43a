// Which checks a Dockerfile leaves out: the directive "# check=skip=RULE,RULE;error=true" (Dockerfile reference,
// "check") for the whole file, and comments above an instruction for that one.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/events.h"

namespace gbuild::dockerfile {

// A check of another program, such as hadolint's DL3059, that gbuild has nothing like.
struct ForeignCheck {
    std::string name;
    SourceSpan span;
};

class CheckOptions {
  public:
    CheckOptions() = default;  // skips nothing
    // `span` is where `text` stands. Rules have BuildKit's names, hadolint's codes or our warnings' ids; others add a
    // warning. Throws dockerfile for unknown options.
    static CheckOptions parse(std::string_view text, const SourceSpan& span, std::vector<Warning>& warnings);

    // What "check=TEXT" in a comment says of the instruction that stands in these lines of `span`'s file. Never throws:
    // what cannot stand there is warned about.
    void add_for_lines(std::string_view text, const SourceSpan& span, int first_line, int last_line,
                       std::vector<Warning>& warnings);
    // hadolint's "ignore=CODE,CODE" for an instruction, and its "global ignore=CODE,CODE". What is not gbuild's counts
    // for nothing.
    void ignore_for_lines(std::string_view codes, int first_line, int last_line);
    void ignore_everywhere(std::string_view codes);

    // Takes the warnings out that are to be skipped. What is wrong with the directive itself stays.
    void apply_to(std::vector<Warning>& warnings) const;
    // A warning that is left stops the build.
    bool warnings_are_errors() const { return errors_; }
    // In order, each name once.
    const std::vector<ForeignCheck>& foreign() const { return foreign_; }

  private:
    class Parser;
    struct Skipped {
        bool all = false;
        std::set<std::string_view> ids;  // ours, of static storage
        bool has(std::string_view id) const { return all || ids.contains(id); }
    };
    struct Lines {
        int first = 0, last = 0;
        Skipped skipped;
    };
    Skipped& lines(int first, int last);
    bool skips(const Warning& warning) const;

    Skipped everywhere_;
    std::vector<Lines> by_lines_;  // in the file's order, none twice
    bool errors_ = false;
    std::vector<ForeignCheck> foreign_;
};

}  // namespace gbuild::dockerfile
