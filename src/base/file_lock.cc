#include "gbuild/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild {

namespace {

int operation(LockMode mode) { return mode == LockMode::shared ? LOCK_SH : LOCK_EX; }

UniqueFd open_lock_file(const std::filesystem::path& path) { return open_file(path, O_RDWR | O_CREAT, 0600); }

}  // namespace

FileLock FileLock::acquire(const std::filesystem::path& path, LockMode mode) {
    UniqueFd fd = open_lock_file(path);
    while (::flock(fd.get(), operation(mode)) != 0) {
        if (errno != EINTR) throw_errno(fmt::format("cannot lock {}", quoted(path.native())));
    }
    return FileLock(std::move(fd));
}

std::optional<FileLock> FileLock::try_acquire(const std::filesystem::path& path, LockMode mode) {
    UniqueFd fd = open_lock_file(path);
    while (::flock(fd.get(), operation(mode) | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return std::nullopt;
        if (errno != EINTR) throw_errno(fmt::format("cannot lock {}", quoted(path.native())));
    }
    return FileLock(std::move(fd));
}

}  // namespace gbuild
