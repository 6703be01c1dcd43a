// A thread's capabilities, for a while.
#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "tracee.h"

namespace gbuild::sandbox {

// While it lives, the calling thread has no more capabilities than the process for which it acts: the kernel then
// judges as it would judge that one. But a process's own files it gives to any thread of it, whatever its capabilities.
class LentCapabilities {
  public:
    explicit LentCapabilities(uint64_t most) {
        header_.version = _LINUX_CAPABILITY_VERSION_3;
        if (::syscall(SYS_capget, &header_, before_.data()) != 0) refuse(errno);
        auto less = before_;
        less[0].effective &= static_cast<uint32_t>(most);
        less[1].effective &= static_cast<uint32_t>(most >> 32);
        if (::syscall(SYS_capset, &header_, less.data()) != 0) refuse(errno);
    }
    LentCapabilities(const LentCapabilities&) = delete;
    LentCapabilities& operator=(const LentCapabilities&) = delete;
    ~LentCapabilities() { ::syscall(SYS_capset, &header_, before_.data()); }

  private:
    __user_cap_header_struct header_{};
    std::array<__user_cap_data_struct, 2> before_{};
};

}  // namespace gbuild::sandbox
