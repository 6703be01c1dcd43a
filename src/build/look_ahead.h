// What a build would execute, and why.
#pragma once

#include <vector>

#include "forecast.h"
#include "gbuild/build/build.h"
#include "trace_keeper.h"

namespace gbuild::build {

// By stage and step. Throws what reading the sources of COPY does.
std::vector<std::vector<StepOutlook>> look_ahead(const KeyInputs& inputs, const CachePolicy& policy,
                                                 const TraceKeeper& trace, const store::Store& store,
                                                 CacheImport& imported);

}  // namespace gbuild::build
