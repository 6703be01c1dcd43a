#include "gbuild/provider/cpus.h"

#include "gbuild/base/error.h"

namespace gbuild::provider {

ScopedCpus::ScopedCpus(unsigned count) {
    if (::sched_getaffinity(0, sizeof before_, &before_) != 0) throw_errno("cannot tell the processors");
    cpu_set_t some;
    CPU_ZERO(&some);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && count > 0; cpu++) {
        if (!CPU_ISSET(cpu, &before_)) continue;
        CPU_SET(cpu, &some);
        count--;
    }
    if (::sched_setaffinity(0, sizeof some, &some) != 0) throw_errno("cannot limit the processors");
}

ScopedCpus::~ScopedCpus() { ::sched_setaffinity(0, sizeof before_, &before_); }

}  // namespace gbuild::provider
