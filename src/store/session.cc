#include "session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "discarded.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view session_prefix = "session-";
constexpr std::string_view lock_suffix = ".lock";
constexpr auto partial_lifetime = std::chrono::hours(24 * 7);

bool try_lock(int fd) {
    while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

// Whoever removes a file holds its lock, so a file that is still at its path once it is locked stays there.
bool is_at(int fd, const fs::path& path) {
    struct stat open_file, named;
    return ::fstat(fd, &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 && open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

void reclaim_session(const fs::path& lock_path) {
    auto lock = lock_existing(lock_path);
    if (!lock) return;
    fs::path directory = lock_path;
    directory.replace_extension();
    std::error_code ignored;
    discard(directory);
    if (!fs::exists(fs::symlink_status(directory, ignored))) ::unlink(lock_path.c_str());
}

void reclaim_partial(const fs::path& path) {
    std::error_code error;
    auto written = fs::last_write_time(path, error);
    if (error || fs::file_time_type::clock::now() - written < partial_lifetime) return;
    if (auto lock = lock_existing(path)) ::unlink(path.c_str());
}

}  // namespace

std::optional<UniqueFd> lock_existing(const fs::path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd || !try_lock(fd.get()) || !is_at(fd.get(), path)) return std::nullopt;
    return fd;
}

bool is_locked(const fs::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    // A shared lock for a moment: who makes a new file and finds it locked takes another.
    return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::optional<UniqueFd> open_locked(const fs::path& path) {
    for (;;) {
        UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
        if (!try_lock(fd.get())) return std::nullopt;
        if (is_at(fd.get(), path)) return fd;
    }
}

Store::Session::Session(const fs::path& tmp) {
    for (;;) {
        std::string pattern = (tmp / fmt::format("{}XXXXXX{}", session_prefix, lock_suffix)).native();
        lock_ = UniqueFd(::mkostemps(pattern.data(), static_cast<int>(lock_suffix.size()), O_CLOEXEC));
        if (!lock_) throw_errno(fmt::format("cannot create a file in {}", quoted(tmp.native())));
        if (!try_lock(lock_.get()) || !is_at(lock_.get(), pattern)) continue;
        lock_path_ = pattern;
        directory_ = fs::path(pattern).replace_extension();
        if (::mkdir(directory_.c_str(), 0700) == 0 && ::chmod(directory_.c_str(), 0700) == 0) return;
        int error_number = errno;
        ::unlink(lock_path_.c_str());
        if (error_number != EEXIST) {
            throw system_error(error_number, fmt::format("cannot create {}", quoted(directory_.native())));
        }
    }
}

Store::Session::~Session() {
    discard(directory_);
    ::unlink(lock_path_.c_str());
    remove_discarded_in_background(directory_.parent_path());
}

void reclaim(const fs::path& tmp) {
    std::error_code error;
    for (fs::directory_iterator entry(tmp, error), end; !error && entry != end; entry.increment(error)) {
        const fs::path& path = entry->path();
        if (path.extension() == lock_suffix) {
            reclaim_session(path);
        } else if (path.extension() == ".partial") {
            reclaim_partial(path);
        } else if (path.filename().native().starts_with(session_prefix)) {
            std::error_code ignored;
            if (!fs::exists(path.native() + std::string(lock_suffix), ignored)) discard(path);
        }
    }
    remove_discarded_in_background(tmp);
}

}  // namespace gbuild::store
