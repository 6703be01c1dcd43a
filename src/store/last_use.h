// When something in the store was last used: its time of modification.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

namespace gbuild::store {

// A store that cannot be written to keeps the times it has.
inline void note_use(int fd) {
    const timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    [[maybe_unused]] int ignored = ::futimens(fd, times);
}
inline void note_use(const std::filesystem::path& path) {
    const timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    [[maybe_unused]] int ignored = ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace gbuild::store
