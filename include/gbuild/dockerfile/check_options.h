// The check directive: "# check=skip=RULE,RULE;error=true" (Dockerfile reference, "check").
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/events.h"

namespace gbuild::dockerfile {

class CheckOptions {
  public:
    CheckOptions() = default;  // skips nothing
    // `span` is where `text` stands. Rules have BuildKit's names or our warnings' ids; others add a warning. Throws
    // dockerfile for unknown options.
    static CheckOptions parse(std::string_view text, const SourceSpan& span, std::vector<Warning>& warnings);

    // Takes the warnings out that the directive skips.
    void apply_to(std::vector<Warning>& warnings) const;
    // A warning that is left stops the build.
    bool warnings_are_errors() const { return errors_; }

  private:
    class Parser;
    bool skip_all_ = false;
    bool errors_ = false;
    std::set<std::string, std::less<>> skipped_;  // our ids
};

}  // namespace gbuild::dockerfile
