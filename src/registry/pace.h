// Whether a transfer gets on.
#pragma once

#include <chrono>
#include <cstdint>

#include "transport.h"

namespace gbuild::registry {

// Counts the time that is spent waiting for bytes: between ready(), or the first bytes, and the next moved().
class Pace {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Pace(const MeanSpeed& floor) : floor_(floor) {}

    // So many more bytes came from `url`, or are to go to it. Once a window is waited through, throws a TransientError
    // when its bytes were fewer than the floor asks for, and begins the next one otherwise.
    void moved(uint64_t bytes, const Url& url, Clock::time_point now = Clock::now());
    // What came is dealt with, whatever time that took.
    void ready(Clock::time_point now = Clock::now()) { since_ = now; }

  private:
    MeanSpeed floor_;
    Clock::time_point since_{};  // the clock's epoch before the first bytes
    Clock::duration waited_{};   // in this window
    uint64_t bytes_ = 0;         // in this window
};

}  // namespace gbuild::registry
