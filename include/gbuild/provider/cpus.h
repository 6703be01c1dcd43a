// How many processors what is started may use.
#pragma once

#include <sched.h>

namespace gbuild::provider {

// While it lives, the calling thread and what it starts have the first `count` of the processors that it has. Throws
// io.
class ScopedCpus {
  public:
    explicit ScopedCpus(unsigned count);
    ~ScopedCpus();
    ScopedCpus(const ScopedCpus&) = delete;
    ScopedCpus& operator=(const ScopedCpus&) = delete;

  private:
    cpu_set_t before_{};
};

}  // namespace gbuild::provider
