// A thread's umask, for a while.
#pragma once

#include <sys/stat.h>

namespace gbuild::sandbox {

// Of a thread that shares its umask with no other (unshare(CLONE_FS)).
class ScopedUmask {
  public:
    explicit ScopedUmask(mode_t mask) : before_(::umask(mask)) {}
    ScopedUmask(const ScopedUmask&) = delete;
    ScopedUmask& operator=(const ScopedUmask&) = delete;
    ~ScopedUmask() { ::umask(before_); }

  private:
    mode_t before_;
};

}  // namespace gbuild::sandbox
