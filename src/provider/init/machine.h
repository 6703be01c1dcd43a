// A virtual machine, from its kernel's first process to a root directory in which commands can run.
#pragma once

#include "descriptor.h"
#include "settings.h"

namespace gbuild::guest {

// Only for the first process, in gbuild's initramfs. Afterwards "/" is the image's root, below an overlay in memory.
// Returns the port on which requests come.
Descriptor prepare_machine(Settings& settings);

}  // namespace gbuild::guest
