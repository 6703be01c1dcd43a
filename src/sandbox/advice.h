// What to tell a user whose machine refuses something.
#pragma once

#include "gbuild/sandbox/probe.h"
#include "stage.h"

namespace gbuild::sandbox {

// Sets stage, errno, cause and remedy of a probe from the failure of its isolation.
void fill_in(Probe& probe, const StageFailure& failure);

}  // namespace gbuild::sandbox
