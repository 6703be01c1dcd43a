// Shorthands for tests of checks.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/check/check.h"
#include "gbuild/dockerfile/parser.h"

namespace gbuild::check {

using Strings = std::vector<std::string>;

inline std::vector<Finding> findings_of(std::string_view text, const CheckRequest& request = {}) {
    CheckResult result = check(dockerfile::parse(text, "Dockerfile"), request);
    if (result.error) throw Error(*result.error);
    return std::move(result.findings);
}

inline Strings ids_of(std::string_view text, const CheckRequest& request = {}) {
    Strings ids;
    for (const Finding& finding : findings_of(text, request)) ids.push_back(finding.warning.id);
    return ids;
}

inline bool has_finding(const std::vector<Finding>& findings, std::string_view id) {
    return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.warning.id == id; });
}

// Of findings with this id only.
inline std::vector<Finding> findings_of_rule(std::string_view id, std::string_view text,
                                             const CheckRequest& request = {}) {
    std::vector<Finding> findings = findings_of(text, request);
    std::erase_if(findings, [&](const Finding& finding) { return finding.warning.id != id; });
    return findings;
}

// What the caret stands under.
inline std::string marked(const Finding& finding) {
    const auto& span = finding.warning.span;
    if (!span || span->column == 0) return "";
    return span->source.substr(static_cast<size_t>(span->column) - 1, static_cast<size_t>(span->length));
}

}  // namespace gbuild::check
