#include "gbuild/check/check.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "outline.h"
#include "report.h"

namespace gbuild::check {

namespace {

void check_foreign(const dockerfile::CheckOptions& options, Report& report) {
    std::vector<std::string> names;
    for (const dockerfile::ForeignCheck& foreign : options.foreign()) names.push_back(foreign.name);
    if (names.empty()) return;
    report.add("foreign-check", fmt::format("gbuild has no check like {}", join(names, ", ")),
               options.foreign().front().span, "this is for another program, and changes nothing here");
}

}  // namespace

CheckResult check(const dockerfile::Dockerfile& file, const CheckRequest& request) {
    const Outline outline(file, request);
    Report report;
    CheckResult result;
    for (const Warning& warning : file.warnings) report.add(warning);
    try {
        check_plan(outline, report);
    } catch (const Error& error) {
        result.error = error;
    }
    check_foreign(file.checks, report);
    check_from(outline, report);
    check_instructions(outline, report);
    check_copies(outline, report);
    check_commands(outline, report);
    check_packages(outline, report);
    result.findings = std::move(report).take(file.checks);
    return result;
}

std::vector<Finding> weigh(const std::vector<Warning>& warnings) {
    Report report;
    for (const Warning& warning : warnings) report.add(warning);
    return std::move(report).take(dockerfile::CheckOptions());
}

}  // namespace gbuild::check
