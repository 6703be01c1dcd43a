// A process whose call is being answered: its memory, descriptors and paths.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gbuild/base/fd.h"

namespace gbuild::sandbox {

// What a call is answered with: an errno, negative, thrown from wherever it is known.
struct CallError {
    int error_number;  // positive
};

[[noreturn]] inline void refuse(int error_number) { throw CallError{error_number}; }

struct stat stat_of(int fd);  // throws CallError

enum class LastLink : uint8_t { follow, keep };

// A path walked to its end, or to the last name, which is not there.
struct Walked {
    UniqueFd parent;   // O_PATH; none when the path ends in "/", "." or ".."
    std::string name;  // in `parent`
    UniqueFd file;     // O_PATH; none when there is nothing of that name
};

// What a walk asks on its way; either may throw CallError.
struct WalkRules {
    // Of each directory that is searched.
    std::function<void(int directory, const struct stat& status)> may_search;
    // Before a link of procfs that is no path ("exe", "cwd", "fd/3") is followed to what a process has: of another
    // thread group than the walking one.
    std::function<void(pid_t process)> may_inspect;
};

// The path may go through what means another thing to every process: "/proc/self", "/dev/stdout", "/dev/fd/1", also
// from a directory near them.
bool may_mean_the_process(std::string_view path);

class Tracee {
  public:
    // `proc` is a procfs that knows the process by this number.
    Tracee(pid_t id, int proc) : id_(id), proc_(proc) {}

    pid_t id() const { return id_; }

    // Throws CallError EFAULT, or ENAMETOOLONG beyond PATH_MAX.
    void read(uint64_t address, std::span<std::byte> to) const;
    void write(uint64_t address, std::span<const std::byte> from) const;
    std::string read_path(uint64_t address) const;

    // The file behind a descriptor, as O_PATH. Throws CallError EBADF.
    UniqueFd descriptor(int number) const;
    UniqueFd working_directory() const;
    UniqueFd root() const;
    // Where a path relative to `directory` (a descriptor, or AT_FDCWD) starts.
    UniqueFd start(int directory) const;
    // A name of the same in our own /proc.
    std::string name_of(int directory) const;
    // Whether it was opened with O_PATH.
    bool only_names_file(int number) const;
    // Of a pidfd; 0 and less: none that is still there.
    std::optional<pid_t> process_behind(int number) const;
    // As O_PATH, resolved by the kernel; none where that could be another file than the process's, or none. For a
    // process with our own root directory and a path that means the same to every process.
    UniqueFd open_directly(int directory, const std::string& path, LastLink last) const;

    mode_t umask() const;
    // Those that the kernel knows, in our user namespace.
    struct FileSystemIds {
        uint32_t uid, gid;
    };
    FileSystemIds file_system_ids() const;
    pid_t thread_group() const;
    uint64_t effective_capabilities() const;  // those that the kernel knows
    // Whose a directory in procfs is ("/proc/7", "/proc/7/fd", "/proc/7/task/8/ns"). Throws CallError EACCES for
    // others, and where another procfs counts processes otherwise.
    pid_t thread_group_of_proc(int directory) const;
    bool has_no_new_privileges() const;
    // Whether a signal waits for it that it neither blocks nor ignores. True for a process that is gone.
    bool has_signal_to_handle() const noexcept;

    // Walks a path as the process would: its root, its /proc/self, its descriptors, and its right to those of others.
    // `resolve` is openat2(2)'s. Throws CallError.
    Walked walk(int directory, const std::string& path, LastLink last, const WalkRules& rules,
                uint64_t resolve = 0) const;

  private:
    std::string status_field(const char* name) const;
    std::optional<long> descriptor_field(int number, const char* label, int base) const;
    int open_proc(const std::string& path, int flags) const;

    pid_t id_;
    int proc_;
};

}  // namespace gbuild::sandbox
