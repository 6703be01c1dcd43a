// A plan for people and for programs.
#pragma once

#include <string>

#include "gbuild/cli/json_text.h"
#include "gbuild/plan/plan.h"

namespace gbuild::cli {

// Stages as trees of their steps, values expanded, and what the image will be configured as.
std::string plan_text(const plan::Plan& plan);

// Keys: see the man page.
Json plan_json(const plan::Plan& plan);

}  // namespace gbuild::cli
