// The process that becomes a step's command.
#pragma once

#include <sys/types.h>

#include "gbuild/base/fd.h"
#include "gbuild/sandbox/emulation.h"
#include "gbuild/sandbox/isolation.h"
#include "gbuild/sandbox/step.h"

namespace gbuild::sandbox {

// A socket pair's ends: the command's side and the side of the process that watches over it.
struct PayloadChannel {
    UniqueFd payload, watcher;
};
PayloadChannel make_payload_channel();

struct PayloadSettings {
    Isolation isolation = Isolation::root;
    Emulation emulation = Emulation::none;
    int input = -1;  // -1: /dev/null
    int output = -1;
};

// In the child: sets up what a command is to find (identity, capabilities, directory, descriptors) and executes it.
// With emulation the filter is installed first, its listener sent over `channel`, and an answer awaited. What goes
// wrong is sent over `channel`, too.
// Calls are refused (refusals.h) wherever a filter can be had without giving up set-id programs: all but chroot.
[[noreturn]] void run_payload(const Step& step, const PayloadSettings& settings, UniqueFd channel);

// The watcher's side. The listener that the payload sends; throws StageFailure with what the payload says instead.
UniqueFd receive_listener(int channel);
void let_go(int channel);
// Once the payload is executing or has ended: why it could not execute, "" when it could.
struct StartProblem {
    std::string text;
    int error_number = 0;
};
StartProblem receive_problem(int channel);

}  // namespace gbuild::sandbox
