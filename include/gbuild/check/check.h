// What is wrong, wasteful or surprising in a Dockerfile, found without building it and without any network: the checks
// of BuildKit, those of hadolint that apply here, and what a Golem provider's VM does. Pure, but for what it asks.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/events.h"
#include "gbuild/dockerfile/ast.h"
#include "gbuild/dockerfile/ignore.h"
#include "gbuild/oci/image_config.h"

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

// What is known of a base image, by its name in the Dockerfile; nullopt: nothing.
using KnownBase =
    std::function<std::optional<oci::ImageConfig>(const std::string& reference, const oci::Platform& platform)>;

struct CheckRequest {
    std::string target;  // stage that becomes the image; "": the last
    std::map<std::string, std::string> build_args;
    const dockerfile::IgnoreRules* ignore = nullptr;  // of the context; null: unknown
    KnownBase known_base = {};                        // none: nothing is known of any
};

struct CheckResult {
    // Sorted by place, those without one last. What the file's check directive or a comment skips is left out; where
    // the directive says error=true, warnings have become errors.
    std::vector<Finding> findings;
    // What planning a build throws (plan/plan.h), but for stages that the target does not need and for values that
    // --build-arg or an unknown base may give. The findings are then those that need no plan.
    std::optional<Error> error;
};

// What a base image brings that is not known is taken to be nothing, and findings that it could make untrue weigh less.
CheckResult check(const dockerfile::Dockerfile& file, const CheckRequest& request);

// Warnings of a parser that stopped at an error, sorted and weighed likewise.
std::vector<Finding> weigh(const std::vector<Warning>& warnings);

}  // namespace gbuild::check
