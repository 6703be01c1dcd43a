#include "gbuild/check/check.h"

#include "outline.h"
#include "report.h"

namespace gbuild::check {

std::vector<Finding> check(const dockerfile::Dockerfile& file, const CheckRequest& request) {
    const Outline outline(file, request);
    Report report;
    // First, for it throws when no build is possible.
    check_plan(outline, report);
    check_from(outline, report);
    check_instructions(outline, report);
    check_copies(outline, report);
    check_commands(outline, report);
    check_packages(outline, report);
    return std::move(report).take(file.checks);
}

}  // namespace gbuild::check
