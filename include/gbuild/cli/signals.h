// Ctrl-C and SIGTERM as a stop request.
#pragma once

#include <signal.h>

#include <stop_token>
#include <thread>

#include "gbuild/base/fd.h"

namespace gbuild::cli {

// For the beginning of a program: signals that whoever started it ignored or blocked are as they are by default, but
// for those that nohup and shells mean to be ignored (SIGHUP, SIGINT, SIGQUIT). What is written to a closed pipe, or
// beyond a limit on the size of files, is an error, not the end.
void begin_with_default_signals();

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
