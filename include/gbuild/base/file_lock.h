// Locks between processes: flock(2) on a file, released by the kernel when the holder dies.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>

#include "gbuild/base/fd.h"

namespace gbuild {

enum class LockMode { shared, exclusive };

class FileLock {
  public:
    // Creates the file when absent and waits for the lock. Throws io, interrupted soon after a stop is requested.
    static FileLock acquire(const std::filesystem::path& path, LockMode mode, const std::stop_token& stop = {});
    // nullopt when another holder is in the way.
    static std::optional<FileLock> try_acquire(const std::filesystem::path& path, LockMode mode);
    // Removes the file unless somebody holds it, or it is not there: whoever opened it meanwhile makes another. False
    // when it was not removed.
    static bool remove_unused(const std::filesystem::path& path);

  private:
    explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace gbuild
