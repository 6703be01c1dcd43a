// Leaves nothing behind, however gbuild ends.
#pragma once

#include <sys/types.h>

#include "gbuild/base/fd.h"
#include "gbuild/store/store.h"

namespace gbuild::provider {

// A process that outlives this one when it is killed, and then removes what it had in the store's staging directory, as
// the next gbuild would do.
class Sweeper {
  public:
    // The calling process must have one thread, and be in the user namespace in which files are made. Throws io.
    explicit Sweeper(const store::Store& store);
    ~Sweeper();  // from now on the calling process sees to that itself
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;

  private:
    UniqueFd line_;
    pid_t process_ = -1;
};

}  // namespace gbuild::provider
