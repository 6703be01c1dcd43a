// Steps and their results as bytes, for the processes between which they travel.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "gbuild/sandbox/isolation.h"
#include "gbuild/sandbox/step.h"

namespace gbuild::sandbox {

std::vector<std::byte> encode(const Step& step);
Step decode_step(std::span<const std::byte> bytes);  // throws integrity

// What the first process of a step tells at its end.
struct StepReport {
    std::string failed_stage;  // the set-up failed: where, and why
    int error_number = 0;
    StepResult result;
};
std::vector<std::byte> encode(const StepReport& report);
StepReport decode_report(std::span<const std::byte> bytes);  // throws integrity

}  // namespace gbuild::sandbox
