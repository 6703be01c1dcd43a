#include "gbuild/base/rooted.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild {

namespace {

// EAGAIN: a rename or mount raced with the resolution and the kernel could not be sure about ".."; it asks to retry.
int open_in_root(int root, const char* path, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    for (int attempt = 0;; attempt++) {
        auto fd = static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || attempt > 100) return fd;
    }
}

const char* or_root(const std::string& path) { return path.empty() ? "." : path.c_str(); }

}  // namespace

RootedDir::RootedDir(const std::filesystem::path& path) : fd_(open_file(path, O_PATH | O_DIRECTORY)), shown_(path) {}

UniqueFd RootedDir::open(const std::string& path, int flags, mode_t mode) const {
    UniqueFd fd(open_in_root(fd_.get(), or_root(path), flags, mode));
    if (!fd) throw_errno(fmt::format("cannot open {} in {}", quoted(path), quoted(shown_.native())));
    return fd;
}

std::optional<UniqueFd> RootedDir::try_open(const std::string& path, int flags, mode_t mode) const {
    UniqueFd fd(open_in_root(fd_.get(), or_root(path), flags, mode));
    if (fd) return fd;
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno(fmt::format("cannot open {} in {}", quoted(path), quoted(shown_.native())));
}

RootedDir::Parent RootedDir::open_parent(const std::string& path) const {
    size_t end = path.find_last_not_of('/');
    size_t slash = end == std::string::npos ? std::string::npos : path.rfind('/', end);
    size_t start = slash == std::string::npos ? 0 : slash + 1;
    std::string name = end == std::string::npos ? "" : path.substr(start, end + 1 - start);
    if (name.empty() || name == "." || name == "..") {
        throw Error(ErrorKind::integrity, fmt::format("{} names no file", quoted(path)));
    }
    return {open(path.substr(0, start), O_PATH | O_DIRECTORY), name};
}

std::optional<struct stat> RootedDir::lstat(const std::string& path) const {
    auto fd = try_open(path, O_PATH | O_NOFOLLOW);
    if (!fd) return std::nullopt;
    struct stat st;
    if (::fstat(fd->get(), &st) != 0) throw_errno(fmt::format("cannot stat {}", quoted(path)));
    return st;
}

}  // namespace gbuild
