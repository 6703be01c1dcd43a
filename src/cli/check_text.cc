// Findings for people.
#include <array>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/check_formats.h"
#include "gbuild/cli/error_text.h"

namespace gbuild::cli {

namespace {

std::string counted(size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string count_line(const CheckReport& report) {
    using check::Severity;
    std::vector<std::string> parts;
    for (Severity severity : {Severity::error, Severity::warning, Severity::info}) {
        size_t count = 0;
        for (const check::Finding& finding : report.findings) count += finding.severity == severity ? 1 : 0;
        if (count > 0)
            parts.push_back(severity == Severity::info ? counted(count, "remark")
                                                       : counted(count, severity_name(severity)));
    }
    std::string line = join(parts, ", ");
    if (report.hidden > 0) line += fmt::format("; {} more with --severity info", report.hidden);
    return line + "\n";
}

}  // namespace

std::string findings_text(const CheckReport& report, Color color) {
    if (report.findings.empty()) return {};
    std::string text;
    for (const check::Finding& finding : report.findings) text += finding_line(finding, color);
    return text + count_line(report);
}

std::string findings_long_text(const CheckReport& report, Color color) {
    if (report.findings.empty()) return {};
    std::string text;
    for (const check::Finding& finding : report.findings) text += finding_text(finding, color);
    return text + count_line(report);
}

}  // namespace gbuild::cli
