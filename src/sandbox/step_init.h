// The first process of a step: sets up what the command finds, starts it, watches over it, cleans up.
#pragma once

#include "gbuild/base/fd.h"
#include "gbuild/sandbox/isolation.h"
#include "gbuild/sandbox/step.h"
#include "mounts.h"

namespace gbuild::sandbox {

struct StepContext {
    Isolation isolation = Isolation::root;
    ProcMount proc = ProcMount::fresh;
    bool devices = true;  // device nodes can be made

    int namespaces() const;  // flags of clone(2) for this process
    Emulation emulation() const;
};

struct StepStreams {
    UniqueFd output;  // for what the command writes
    UniqueFd report;  // for a StepReport
    UniqueFd input;   // what the command reads; may be none
};

// In that process.
[[noreturn]] void run_step_init(const Step& step, const StepContext& context, StepStreams streams);

}  // namespace gbuild::sandbox
