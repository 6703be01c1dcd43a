// A plan as `gbuild plan` prints it. Values of proxy arguments are never shown.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "gbuild/plan/plan.h"

namespace gbuild::plan {

// What is known of a step's result.
struct StepNote {
    std::string state;   // "cached", "executed", "unclear"
    std::string reason;  // may be empty
};
// Of a step, by stage and step; nullopt when there is nothing to say. May be empty.
using StepNotes = std::function<std::optional<StepNote>(size_t stage, size_t step)>;

// A tree of stages and their steps, values expanded.
std::string to_text(const Plan& plan, const StepNotes& notes = {});

// {"stages": […], "skipped": […], "totalSteps": n, "warnings": […]}, indented by two. A note is a step's "result":
// {"state": …, "reason": …}.
std::string to_json(const Plan& plan, const StepNotes& notes = {});

}  // namespace gbuild::plan
