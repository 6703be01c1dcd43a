// The process that emulates a machine.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "gbuild/base/fd.h"

namespace gbuild::provider {

inline constexpr const char* qemu_program = "qemu-system-x86_64";

// Sole owner of it: killed by the destructor, and by the kernel when this process dies. To be made by a thread that
// lives as long.
class Qemu {
  public:
    // `kept` are the descriptors that it has under the same numbers; it writes to `console`. Throws io.
    Qemu(const std::vector<std::string>& command, const std::vector<int>& kept, int console);
    ~Qemu();
    Qemu(const Qemu&) = delete;
    Qemu& operator=(const Qemu&) = delete;

  private:
    pid_t pid_ = -1;
};

}  // namespace gbuild::provider
