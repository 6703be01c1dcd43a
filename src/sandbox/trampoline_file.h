// The program that executes a step's command (trampoline/main.cc), as a file in memory.
#pragma once

#include "gbuild/base/fd.h"

namespace gbuild::sandbox {

// Nobody can change it any more. Throws StageFailure.
UniqueFd make_trampoline_file();

}  // namespace gbuild::sandbox
