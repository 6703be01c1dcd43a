// A plan as `gbuild plan` prints it. Values of proxy arguments are never shown.
#pragma once

#include <string>

#include "gbuild/plan/plan.h"

namespace gbuild::plan {

// A tree of stages and their steps, values expanded.
std::string to_text(const Plan& plan);

// {"stages": […], "skipped": […], "totalSteps": n, "warnings": […]}, indented by two.
std::string to_json(const Plan& plan);

}  // namespace gbuild::plan
