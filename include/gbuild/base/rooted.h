// Access to a directory tree that cannot leave it: every path is resolved by the kernel inside the root
// (openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), so symbolic links and ".." stop at the root.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "gbuild/base/fd.h"

namespace gbuild {

class RootedDir {
  public:
    // Holds `path` open from now on. Throws not_found, permission, io.
    explicit RootedDir(const std::filesystem::path& path);

    int fd() const { return fd_.get(); }

    // open(2) of a path relative to the root ("" or "/" is the root); symbolic links are followed inside the root
    // unless O_NOFOLLOW. O_CLOEXEC is added. Throws system_error naming the path.
    UniqueFd open(const std::string& path, int flags, mode_t mode = 0) const;
    // nullopt when there is nothing at `path`.
    std::optional<UniqueFd> try_open(const std::string& path, int flags, mode_t mode = 0) const;
    // The parent directory of `path`, resolved in the root, and the last component (never "", "." or "..").
    struct Parent {
        UniqueFd directory;
        std::string name;
    };
    Parent open_parent(const std::string& path) const;
    // lstat inside the root; nullopt when there is nothing.
    std::optional<struct stat> lstat(const std::string& path) const;

  private:
    UniqueFd fd_;
    std::filesystem::path shown_;
};

}  // namespace gbuild
