// What a Golem provider's VM makes of the image.
#pragma once

#include "gbuild/plan/plan.h"
#include "outline.h"

namespace gbuild::check {

// `plan` is the target's.
void check_golem(const Outline& outline, const plan::Plan& plan, Report& report);

}  // namespace gbuild::check
