#include "gbuild/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild {

namespace {

int operation(LockMode mode) { return mode == LockMode::shared ? LOCK_SH : LOCK_EX; }

// A flock(2) that waits cannot be called off but by a signal, which would have to hit the right thread. So it is asked
// again and again; what waits is a whole download or pack, beside which this is no delay.
constexpr auto retry_every = std::chrono::milliseconds(100);

bool try_lock(const UniqueFd& fd, const std::filesystem::path& path, LockMode mode) {
    while (::flock(fd.get(), operation(mode) | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) throw_errno(fmt::format("cannot lock {}", quoted(path.native())));
    }
    return true;
}

UniqueFd open_lock_file(const std::filesystem::path& path) { return open_file(path, O_RDWR | O_CREAT, 0600); }

}  // namespace

FileLock FileLock::acquire(const std::filesystem::path& path, LockMode mode, const std::stop_token& stop) {
    UniqueFd fd = open_lock_file(path);
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!try_lock(fd, path, mode)) {
        stopped.wait_for(lock, stop, retry_every, [] { return false; });
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while waiting for a lock");
    }
    return FileLock(std::move(fd));
}

std::optional<FileLock> FileLock::try_acquire(const std::filesystem::path& path, LockMode mode) {
    UniqueFd fd = open_lock_file(path);
    if (!try_lock(fd, path, mode)) return std::nullopt;
    return FileLock(std::move(fd));
}

}  // namespace gbuild
