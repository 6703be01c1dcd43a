// What is wrong, wasteful or surprising in a Dockerfile, found without building it and without any network: the checks
// of BuildKit, those of hadolint that apply here, and what a Golem provider's VM does. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/dockerfile/ast.h"
#include "gbuild/dockerfile/ignore.h"

namespace gbuild::check {

enum class Severity { info, warning, error };       // least first
std::string_view severity_name(Severity severity);  // "info"

struct Rule {
    std::string_view id;  // as warnings of a build have it
    Severity severity;    // as a rule: a finding may weigh less
    std::string_view meaning;
};

// Sorted by id. All ids are among dockerfile::rule_names().
std::span<const Rule> all_rules();

struct Finding {
    Warning warning;
    Severity severity = Severity::warning;
};

struct CheckRequest {
    std::string target;  // stage that becomes the image; "": the last
    std::map<std::string, std::string> build_args;
    const dockerfile::IgnoreRules* ignore = nullptr;  // of the context; null: unknown
};

// Sorted by place, those without one last. What the file's check directive skips is left out; where it says error=true,
// warnings have become errors. What the base image brings is unknown and taken to be empty. Throws what planning a
// build does (plan/plan.h), but for stages that the target does not need and for values that --build-arg may give.
std::vector<Finding> check(const dockerfile::Dockerfile& file, const CheckRequest& request);

}  // namespace gbuild::check
