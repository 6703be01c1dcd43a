#include "blocked_opens.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "ownership.h"
#include "tracee.h"

namespace gbuild::sandbox {

namespace {

// The kernel's own: the call is made again once the signal's handler has returned, or ends with EINTR, as the handler
// wants it.
constexpr int restart_call = 512;

// Gone ones included.
constexpr size_t most = 64;

}  // namespace

void BlockedOpens::add(Open open) {
    auto waiting = waiting_.lock();
    // Those whose process is gone end at the next look.
    const auto wanted = [&](const Waiting& one) { return is_wanted(one.open); };
    const auto count = static_cast<size_t>(std::count_if(waiting->begin(), waiting->end(), wanted));
    if (count >= threads || waiting->size() >= most) refuse(ENFILE);
    waiting->push_back({std::move(open)});
    count_ = waiting->size();
    added_.notify_one();
}

void BlockedOpens::serve(const std::atomic<bool>& stopping) {
    for (;;) {
        auto waiting = waiting_.lock();
        const auto next = [&] {
            return std::find_if(waiting->begin(), waiting->end(), [](const Waiting& one) { return !one.started; });
        };
        added_.wait(waiting.lock(), [&] { return stopping || next() != waiting->end(); });
        if (stopping) return;
        const auto one = next();
        one->started = true;
        one->thread = ::pthread_self();
        waiting.lock().unlock();
        answer(*one, stopping);
        waiting.lock().lock();
        waiting->erase(one);
        count_ = waiting->size();
    }
}

void BlockedOpens::answer(Waiting& waiting, const std::atomic<bool>& stopping) {
    const Open& open = waiting.open;
    seccomp_notif_resp response{};
    response.id = open.request;
    UniqueFd file;
    for (;;) {
        file = UniqueFd(::open(descriptor_path(open.file.get()).c_str(), open.flags));
        if (file || errno != EINTR) break;
        if (stopping || is_called_off(waiting)) {
            errno = restart_call;
            break;
        }
    }
    response.error = file ? 0 : -errno;
    if (file) {
        seccomp_notif_addfd add{};
        add.id = open.request;
        add.srcfd = static_cast<uint32_t>(file.get());
        add.newfd_flags = open.closes_on_execution ? uint32_t{O_CLOEXEC} : 0;
        const int number = ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
        response.val = number;
        if (number < 0) response.error = -errno;
        // Before the call returns: an end of ours that is closed later would be a partner to others, and leave them.
        file = UniqueFd();
    }
    if (response.error != 0) response.val = 0;
    // Who asked may be gone, and needs no answer.
    ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

bool BlockedOpens::is_wanted(const Open& open) const {
    uint64_t id = open.request;
    return ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

bool BlockedOpens::is_called_off(Waiting& waiting) {
    auto lock = waiting_.lock();
    return waiting.called_off;
}

void BlockedOpens::look() {
    if (count_ == 0) return;
    auto waiting = waiting_.lock();
    for (Waiting& one : *waiting) {
        if (!one.started) continue;
        one.called_off =
            one.called_off || !is_wanted(one.open) || Tracee(one.open.process, proc_).has_signal_to_handle();
        // Each time: the first may come before the thread waits.
        if (one.called_off) ::pthread_kill(one.thread, stop_signal());
    }
}

}  // namespace gbuild::sandbox
