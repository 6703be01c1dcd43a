// From a RUN instruction to what the sandbox executes.
#pragma once

#include <string>

#include "gbuild/plan/plan.h"
#include "gbuild/sandbox/step.h"
#include "gbuild/steps/run_options.h"
#include "gbuild/tree/accounts.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// What a RUN sees besides its own text.
struct RunRequest {
    const plan::RunStep& step;
    const oci::ContainerConfig& config;  // before the step
    const RunOptions& options;
    const tree::Tree& tree;
    const tree::Accounts& accounts;
    int64_t epoch = 0;
};

// All but the root directory and recorded owners. Throws dockerfile for a user that the image does not have,
// unsupported for --security=insecure that was not allowed.
sandbox::Step make_step(const RunRequest& request);

// The command of a RUN as the shell is given it, for messages: "/bin/sh -c apt-get update".
std::string command_line(const plan::RunStep& step);

// The error of a step that did not end well; its last lines of output are in it.
Error step_failure(const plan::RunStep& step, const sandbox::StepResult& result, const RunOptions& options,
                   const std::vector<std::string>& last_lines);

}  // namespace gbuild::build
