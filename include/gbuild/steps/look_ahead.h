// What a build would execute, and why.
#pragma once

#include <string>
#include <vector>

#include "gbuild/steps/forecast.h"
#include "gbuild/steps/trace_keeper.h"

namespace gbuild::build {

// What is known of a step's result before it is executed.
struct StepOutlook {
    enum class Result { none, known, missing, unclear };  // none: changes no files; unclear: depends on a missing one
    Result result = Result::none;
    std::string reason;  // of a missing one: "src/main.py changed"
};

// By stage and step. Throws what reading the sources of COPY does.
std::vector<std::vector<StepOutlook>> look_ahead(const KeyInputs& inputs, const CachePolicy& policy,
                                                 const TraceKeeper& trace, const Environment& env,
                                                 CacheImport& imported);

}  // namespace gbuild::build
