// The threads that receive calls and send answers.
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "emulator.h"
#include "gbuild/base/error.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/sandbox/emulation.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace gbuild::sandbox {

namespace {

// A newer kernel's structures may be longer than our headers'.
struct Sizes {
    size_t notification = sizeof(seccomp_notif), response = sizeof(seccomp_notif_resp);
};

Sizes kernel_sizes() {
    seccomp_notif_sizes sizes{};
    if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) {
        throw_errno("cannot ask for the sizes of seccomp notifications");
    }
    return {std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)),
            std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp))};
}

// A call and its answer.
class Exchange {
  public:
    explicit Exchange(const Sizes& sizes) : notification_(sizes.notification), response_(sizes.response) {}

    seccomp_notif& notification() { return *reinterpret_cast<seccomp_notif*>(notification_.data()); }
    seccomp_notif_resp& response() { return *reinterpret_cast<seccomp_notif_resp*>(response_.data()); }
    // The kernel wants to get them so.
    void clear() {
        std::fill(notification_.begin(), notification_.end(), std::byte{0});
        std::fill(response_.begin(), response_.end(), std::byte{0});
    }

  private:
    std::vector<std::byte> notification_, response_;
};

// While it lives, the stop signal interrupts the system call that a thread is in, and does nothing else. Receipt from a
// listener can be ended in no other way before Linux 6.11.
class StopSignal {
  public:
    StopSignal() {
        struct sigaction action {};
        action.sa_handler = [](int) {};  // without SA_RESTART
        if (::sigaction(stop_signal(), &action, &before_) != 0) throw_errno("cannot set a signal's action");
    }
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;
    ~StopSignal() { ::sigaction(stop_signal(), &before_, nullptr); }

  private:
    struct sigaction before_ {};
};

void block_other_signals() {
    sigset_t others;
    ::sigfillset(&others);
    ::sigdelset(&others, stop_signal());
    ::pthread_sigmask(SIG_SETMASK, &others, nullptr);
}

}  // namespace

class Supervisor::State {
  public:
    State(UniqueFd listener, int proc, const Options& options) :
        listener_(std::move(listener)), emulator_(listener_.get(), proc, options.emulation), sizes_(kernel_sizes()) {
        if (options.emulation == Emulation::ownership) CredentialTable::require_room();
        // Whoever waits for an answer then runs on the processor that gave it; from Linux 6.6 on.
        ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
        for (const PathRecord& record : options.known) adopt(record);
        if (options.has_devices) emulator_.expect_devices();
        try {
            start_thread(&State::serve);
            for (unsigned i = 1; i < options.threads; i++) start_thread(&State::help);
            if (options.emulation != Emulation::ownership) return;
            for (unsigned i = 0; i < BlockedOpens::threads; i++) start_thread(&State::wait_for_others);
        } catch (...) {
            end();
            throw;
        }
    }
    ~State() { end(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Emulator& emulator() { return emulator_; }

    void end() {
        auto left = working_.lock();
        stopping_ = true;
        resting_.notify_all();
        emulator_.blocked_opens().wake();
        // Again and again: a signal may come just before a thread begins to wait.
        while (*left > 0) {
            for (std::jthread& thread : threads_) ::pthread_kill(thread.native_handle(), stop_signal());
            emulator_.blocked_opens().wake();
            ended_.wait_for(left.lock(), std::chrono::milliseconds(5));
        }
        threads_.clear();
    }

  private:
    // None where another step has put a link in its way: then it is somewhere else, or gone.
    static UniqueFd open_itself(const std::string& path) {
        open_how how{};
        how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
        how.resolve = RESOLVE_NO_SYMLINKS;
        return UniqueFd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, ("/" + path).c_str(), &how, sizeof how)));
    }

    // A real change copies the file up: later ones keep the inode that it is known by.
    void adopt(const PathRecord& record) {
        const UniqueFd file = open_itself(record.path);
        if (!file && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return;
        // What is mounted read-only is not copied up.
        if (!file || (::fchownat(file.get(), "", 0, 0, AT_EMPTY_PATH) != 0 && errno != EROFS)) {
            throw_errno("cannot keep the owner of /" + record.path);
        }
        struct stat status {};
        const UniqueFd now = open_itself(record.path);
        if (!now || ::fstat(now.get(), &status) != 0) throw_errno("cannot keep the owner of /" + record.path);
        emulator_.owners().set_owner(now.get(), status, record.owner, OwnerBook::Origin::below);
    }

    void start_thread(void (State::*task)(Exchange&)) {
        auto working = working_.lock();
        threads_.emplace_back([this, task] {
            block_other_signals();
            // A umask and a working directory of its own, to take on those of processes.
            ::unshare(CLONE_FS);
            Exchange exchange(sizes_);
            (this->*task)(exchange);
            --*working_.lock();
            ended_.notify_all();
        });
        ++*working;
    }

    // A call wakes all threads that wait for one, which costs as much as a fourth of the cheapest answers. So this one
    // waits alone, and the others help it out.
    void serve(Exchange& exchange) {
        while (receive(exchange)) {
            turns_.fetch_add(1, std::memory_order_relaxed);
            answer(exchange);
            turns_.fetch_add(1, std::memory_order_relaxed);
        }
    }

    // Looks now and then whether a call waits because the answer to another takes long. That may even be held up by who
    // waits here.
    void help(Exchange& exchange) {
        uint64_t before = 0;
        while (rest()) {
            emulator_.blocked_opens().look();
            const uint64_t turn = turns_.load(std::memory_order_relaxed);
            const bool held_up = turn % 2 != 0 && turn == std::exchange(before, turn);
            if (!held_up || (poll_listener() & POLLIN) == 0) continue;
            do {
                if (!receive(exchange)) return;
                answer(exchange);
            } while (turns_.load(std::memory_order_relaxed) == turn);
        }
    }

    void wait_for_others(Exchange&) { emulator_.blocked_opens().serve(stopping_); }

    // False: it is time to end.
    bool rest() {
        constexpr std::chrono::milliseconds pause{2};
        auto working = working_.lock();
        return !resting_.wait_for(working.lock(), pause, [this] { return stopping_.load(); });
    }

    void answer(Exchange& exchange) {
        seccomp_notif_resp& response = exchange.response();
        response.id = exchange.notification().id;
        if (!fill(response, exchange.notification())) return;
        // Who asked may be gone, and needs no answer.
        ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
    }

    // False at the end: when told to stop, or when no process with the filter is left.
    bool receive(Exchange& exchange) const {
        while (!stopping_) {
            exchange.clear();
            if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &exchange.notification()) == 0) return true;
            // ENOENT: the call was called off meanwhile, or nobody is left.
            if (errno != EINTR && (errno != ENOENT || is_abandoned())) return false;
        }
        return false;
    }

    bool is_abandoned() const { return (poll_listener() & POLLHUP) != 0; }

    // What can be told without waiting.
    short poll_listener() const {
        pollfd listener{listener_.get(), POLLIN, 0};
        return ::poll(&listener, 1, 0) == 1 ? listener.revents : short{0};
    }

    // False: others answer.
    bool fill(seccomp_notif_resp& response, const seccomp_notif& notification) noexcept {
        try {
            const Answer answer = emulator_.answer(notification);
            if (answer.kind == Answer::Kind::later) return false;
            if (answer.kind == Answer::Kind::proceed) {
                response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
            } else {
                response.val = answer.value;
            }
        } catch (const CallError& error) {
            response.error = -error.error_number;
        } catch (const std::exception&) {
            response.error = -EIO;
        }
        return true;
    }

    UniqueFd listener_;
    Emulator emulator_;
    Sizes sizes_;
    StopSignal stop_signal_;
    std::atomic<bool> stopping_ = false;
    Synchronized<unsigned> working_{0U};
    std::condition_variable ended_, resting_;
    std::atomic<uint64_t> turns_ = 0;  // odd while the serving thread answers a call
    std::vector<std::jthread> threads_;
};

Supervisor::Supervisor(UniqueFd listener, int proc, const Options& options) :
    state_(std::make_unique<State>(std::move(listener), proc, options)) {}

Supervisor::~Supervisor() = default;

void Supervisor::set_identity(pid_t process, const Identity& identity) {
    const Credentials credentials = credentials_of(identity);
    if (credentials != Credentials()) state_->emulator().credentials().set(process, credentials);
}

FinalOwners Supervisor::finish() {
    state_->end();
    return state_->emulator().owners().records();
}

}  // namespace gbuild::sandbox
