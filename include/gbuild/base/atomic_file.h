// Files that appear whole or not at all, and temporary names that remove themselves.
#pragma once

#include <filesystem>
#include <string>

#include "gbuild/base/fd.h"

namespace gbuild {

// A file written without a name where the file system allows it, else under a temporary one, and given the name
// `target` by commit(). Without commit() it leaves nothing behind. `staging` (same file system as the target; by
// default the target's own directory) is where it is meanwhile. Must not be used after being moved from.
class AtomicFile {
  public:
    explicit AtomicFile(const std::filesystem::path& target, mode_t mode = 0666);
    AtomicFile(std::filesystem::path target, const std::filesystem::path& staging, mode_t mode = 0666);
    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&&) = delete;
    ~AtomicFile();

    int fd() const { return fd_.get(); }  // open for reading and writing
    const std::filesystem::path& target() const { return target_; }
    const std::filesystem::path& temporary() const { return temporary_; }  // empty while it has no name
    // A file may be called by what it came to hold. On the same file system.
    void set_target(std::filesystem::path target) { target_ = std::move(target); }
    // Renames over whatever is at the target. Throws io; the file is then still removed by the destructor.
    void commit();

  private:
    std::filesystem::path target_;
    std::filesystem::path staging_;
    std::filesystem::path temporary_;  // empty while it has no name
    UniqueFd fd_;
};

// Writes `text` to `target` atomically.
void write_file_atomically(const std::filesystem::path& target, std::string_view text, mode_t mode = 0666);

// A fresh directory (0700), removed with everything in it by the destructor.
class TempDir {
  public:
    explicit TempDir(const std::filesystem::path& parent = {});  // default: the system's temporary directory
    TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempDir& operator=(TempDir&&) = delete;
    ~TempDir();
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

// An unnamed file in `directory` (O_TMPFILE where it works), for spooling.
UniqueFd anonymous_file(const std::filesystem::path& directory);

}  // namespace gbuild
