// A stop request that poll(2) can wait for.
#pragma once

#include <stop_token>

#include "gbuild/base/fd.h"

namespace gbuild {

class StopEvent {
  public:
    // Throws io.
    explicit StopEvent(const std::stop_token& stop);
    // Readable from the moment at which a stop is requested.
    int fd() const { return event_.get(); }

  private:
    struct Raise {
        int fd;
        void operator()() const;
    };
    UniqueFd event_;
    std::stop_callback<Raise> callback_;
};

}  // namespace gbuild
