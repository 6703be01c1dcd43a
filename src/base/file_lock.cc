#include "gbuild/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

// Whoever removes a lock file holds its lock: a file that is still at its path once it is locked stays there.
bool is_at(const UniqueFd& fd, const std::filesystem::path& path) {
    struct stat open_file, named;
    return ::fstat(fd.get(), &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

}  // namespace

FileLock FileLock::acquire(const std::filesystem::path& path, LockMode mode, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    for (;;) {
        if (auto taken = try_acquire(path, mode)) return std::move(*taken);
        stopped.wait_for(lock, stop, retry_every, [] { return false; });
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while waiting for a lock");
    }
}

std::optional<FileLock> FileLock::try_acquire(const std::filesystem::path& path, LockMode mode) {
    for (;;) {
        UniqueFd fd = open_lock_file(path);
        if (!try_lock(fd, path, mode)) return std::nullopt;
        if (is_at(fd, path)) return FileLock(std::move(fd));
    }
}

bool FileLock::remove_unused(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd || !try_lock(fd, path, LockMode::exclusive) || !is_at(fd, path)) return false;
    return ::unlink(path.c_str()) == 0;
}

}  // namespace gbuild
