#include "gbuild/cli/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "gbuild/base/error.h"
#include "gbuild/cli/exit_codes.h"

namespace gbuild::cli {

void begin_with_default_signals() {
    for (int number = 1; number < NSIG; number++) {
        const bool kept = number == SIGINT || number == SIGQUIT || number == SIGHUP;
        if (!kept) ::signal(number, SIG_DFL);
    }
    for (int number : {SIGPIPE, SIGXFSZ}) ::signal(number, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

SignalWatcher::SignalWatcher() {
    sigset_t watched;
    sigemptyset(&watched);
    for (int number : {SIGINT, SIGTERM, SIGHUP}) {
        // One that nohup or a shell had ignored stays so: blocked, it would reach the descriptor all the same.
        struct sigaction action;
        if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&watched, number);
    }
    signals_ = UniqueFd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
    if (!signals_ || !wake_) throw_errno("cannot watch for signals");
    pthread_sigmask(SIG_BLOCK, &watched, &previous_);
    thread_ = std::thread([this] { watch(); });
}

SignalWatcher::~SignalWatcher() {
    uint64_t one = 1;
    // An eventfd's counter has room for this one.
    [[maybe_unused]] ssize_t written = ::write(wake_.get(), &one, sizeof one);
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void SignalWatcher::watch() {
    for (;;) {
        pollfd fds[2] = {{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
        if (fds[1].revents) return;
        signalfd_siginfo info;
        if (::read(signals_.get(), &info, sizeof info) != sizeof info) continue;
        if (!source_.request_stop()) ::_exit(exit_code(ErrorKind::interrupted));
    }
}

}  // namespace gbuild::cli
