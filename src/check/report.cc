#include "report.h"

#include <algorithm>

namespace gbuild::check {

void Report::add(std::string_view id, std::string message, std::optional<SourceSpan> span, std::string hint,
                 std::optional<Severity> severity) {
    const int line = span ? span->line : 0;
    const int column = span ? span->column : 0;
    if (findings_.size() >= most || !known_.emplace(id, line, column, message).second) return;
    findings_.push_back({{std::string(id), std::move(message), std::move(span), std::move(hint)},
                         severity.value_or(rule_of(id).severity)});
}

std::vector<Finding> Report::take(const dockerfile::CheckOptions& options) && {
    std::vector<Finding> kept;
    for (Finding& finding : findings_) {
        std::vector<Warning> alone{finding.warning};
        options.apply_to(alone);
        // That the directive itself is wrong cannot be skipped by it, as in a build.
        if (alone.empty() && finding.warning.id != "unknown-check") continue;
        if (options.warnings_are_errors() && finding.severity == Severity::warning) finding.severity = Severity::error;
        kept.push_back(std::move(finding));
    }
    const auto key = [](const Finding& finding) {
        const auto& span = finding.warning.span;
        return std::tuple(!span, span ? span->line : 0, span ? span->column : 0, std::string_view(finding.warning.id));
    };
    std::stable_sort(kept.begin(), kept.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    return kept;
}

}  // namespace gbuild::check
