// Ctrl-C and SIGTERM as a stop request.
#pragma once

#include <signal.h>

#include <stop_token>
#include <thread>

#include "gbuild/base/fd.h"

namespace gbuild::cli {

// While it lives, SIGINT, SIGTERM and SIGHUP are blocked and read by a thread: the first requests a stop, the second
// ends the process at once with exit code 130. Create it before any other thread, so that none of them takes the
// signals.
class SignalWatcher {
  public:
    SignalWatcher();
    ~SignalWatcher();
    SignalWatcher(const SignalWatcher&) = delete;
    SignalWatcher& operator=(const SignalWatcher&) = delete;

    std::stop_token stop() const { return source_.get_token(); }

  private:
    void watch();

    sigset_t previous_{};
    std::stop_source source_;
    UniqueFd signals_, wake_;
    std::thread thread_;
};

}  // namespace gbuild::cli
