// The findings of `gbuild check` as people and other programs read them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gbuild/check/check.h"
#include "gbuild/cli/console.h"

namespace gbuild::cli {

struct CheckReport {
    std::string file;  // what was checked, as messages call it
    std::vector<check::Finding> findings;
    size_t hidden = 0;  // findings below the severity that is shown
    // Why no build is possible. It is printed to standard error besides; formats for programs hold it, too.
    std::optional<Error> error;
};

// "Dockerfile:3:5: warning: what is wrong; what to do [rule]", a line each, and a count at the end. Nothing for no
// findings.
std::string findings_text(const CheckReport& report, Color color);
// Each with its source line, a caret and a line of its own for the hint; the same count.
std::string findings_long_text(const CheckReport& report, Color color);

std::string findings_json(const CheckReport& report);
// SARIF 2.1.0 (OASIS). Columns count Unicode code points, as in the two formats below.
std::string findings_sarif(const CheckReport& report);
// Workflow commands of GitHub Actions: "::warning file=…,line=…::…".
std::string findings_github(const CheckReport& report);
// GitLab's Code Quality report: a JSON array. A finding keeps its fingerprint when lines move.
std::string findings_gitlab(const CheckReport& report);
// Checkstyle's XML, of the dialect that linters share.
std::string findings_checkstyle(const CheckReport& report);

}  // namespace gbuild::cli
