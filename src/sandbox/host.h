// The process that starts steps: forked from gbuild while that had one thread, so that it can fork in turn.
#pragma once

#include <array>

#include "gbuild/base/fd.h"
#include "step_init.h"

namespace gbuild::sandbox {

// What travels over the socket between gbuild and the host: a byte, with descriptors.
enum class HostRequest : char {
    run = 'R',   // with HostFds
    kill = 'K',  // the running step
};
enum class HostAnswer : char { ended = 'E' };

struct HostFds {
    UniqueFd step;    // an encoded Step
    UniqueFd output;  // for the command
    UniqueFd report;  // for the StepReport
    UniqueFd input;   // the command's; may be none
};

void send_run(int socket, const HostFds& fds);

// The host's life: runs one step at a time, ends with the other end of `socket`.
[[noreturn]] void run_host(UniqueFd socket, const StepContext& context);

}  // namespace gbuild::sandbox
