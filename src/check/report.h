// Collects findings.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "gbuild/check/check.h"

namespace gbuild::check {

const Rule& rule_of(std::string_view id);  // throws internal for an unknown one

class Report {
  public:
    static constexpr size_t most = 5000;  // more help nobody

    // With the rule's severity unless one is given. The same message at the same place counts once.
    void add(std::string_view id, std::string message, std::optional<SourceSpan> span, std::string hint,
             std::optional<Severity> severity = std::nullopt);
    void add(const Warning& warning, std::optional<Severity> severity = std::nullopt) {
        add(warning.id, warning.message, warning.span, warning.hint, severity);
    }
    std::vector<Finding> take(const dockerfile::CheckOptions& options) &&;

  private:
    std::vector<Finding> findings_;
    std::set<std::tuple<std::string, int, int, std::string>> known_;
};

}  // namespace gbuild::check
