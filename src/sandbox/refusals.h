// System calls that a step has no use for: those that docker's default profile refuses, with the same errors.
#pragma once

#include <sys/types.h>

#include <vector>

namespace gbuild::sandbox {

// Installs a seccomp filter in the calling process, which needs CAP_SYS_ADMIN in its user namespace; it may have other
// filters. Calls that say something about one of the processes or threads `out_of_reach` (limits, priorities, signals)
// fail with EPERM. Throws StageFailure.
void refuse_calls(const std::vector<pid_t>& out_of_reach);

}  // namespace gbuild::sandbox
