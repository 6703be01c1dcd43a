// A running process's own directory in the store's tmp/, and the removal of what dead ones left there.
#pragma once

#include <filesystem>

#include "gbuild/base/fd.h"
#include "gbuild/store/store.h"

namespace gbuild::store {

// tmp/NAME and tmp/NAME.lock. The lock file is made and locked before the directory, and a directory is removed before
// its lock file: so a directory whose lock can be had, or has no lock file, belongs to nobody who lives.
class Store::Session {
  public:
    explicit Session(const std::filesystem::path& tmp);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    const std::filesystem::path& directory() const { return directory_; }

  private:
    std::filesystem::path directory_;
    std::filesystem::path lock_path_;
    UniqueFd lock_;
};

// Removes what processes that are gone left in `tmp`: much of it in the background. What cannot be removed stays for
// another time.
void reclaim(const std::filesystem::path& tmp);

// Opens `path` for reading and writing and takes its flock, creating it when absent. nullopt when another holds it.
std::optional<UniqueFd> open_locked(const std::filesystem::path& path);

// Takes the flock of a file that is there; nullopt when it is not, or another holds it.
std::optional<UniqueFd> lock_existing(const std::filesystem::path& path);
// Whether a process holds the flock of the file; false when there is none.
bool is_locked(const std::filesystem::path& path);

}  // namespace gbuild::store
