// The system calls that emulation watches, of all three interfaces of an x86-64 kernel.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace gbuild::sandbox {

enum class Call : uint8_t {
    chown,
    lchown,
    fchown,
    fchownat,
    mknod,
    stat,
    lstat,
    fstat,
    fstatat,
    statx,
    setuid,
    setgid,
    setreuid,
    setregid,
    setresuid,
    setresgid,
    setfsuid,
    setfsgid,
    setgroups,
    getuid,
    geteuid,
    getgid,
    getegid,
    getresuid,
    getresgid,
    getgroups,
    open,
    openat2,
    creat,
    mkdir,
    symlink,
    unlink,
    rmdir,
    rename,
    link,
    truncate,
    chmod,
    fchmod,
    utime,
    access,
    faccessat,
    chdir,
    chroot,
    new_root,  // another root directory, or other mounts
    execve,
    kill,
    capget,
    capset,
    keepcaps,
    peercred,
    bind,
    socketcall,
    limit,
    listxattr,
    llistxattr,
    flistxattr,
    getxattr,
    lgetxattr,
    fgetxattr,
    setxattr,
    lsetxattr,
    fsetxattr,
    removexattr,
    lremovexattr,
    fremovexattr,
};

enum class Abi : uint8_t { x86_64, x32, i386 };

// Which of a call's arguments name a file, and when the filter lets it pass unseen.
struct Syscall {
    const char* name;
    Call call;
    int8_t directory;  // number of the argument with a directory's descriptor; -1: relative to the working directory
    int8_t path;       // number of the argument with the path; -1: `directory` is the file itself
    bool devices = false;  // watched where devices alone are emulated
};

std::span<const Syscall> watched_syscalls();

// A watched call as one interface has it.
struct SyscallEntry {
    const Syscall* syscall = nullptr;
    Abi abi = Abi::x86_64;
    bool narrow = false;  // ids of 16 bits
};

class SyscallTable {
  public:
    SyscallTable();
    // By AUDIT_ARCH_… and number. Null: not watched.
    const SyscallEntry* find(uint32_t architecture, int number) const;

  private:
    std::array<std::vector<SyscallEntry>, 3> by_number_;  // for each Abi; without a syscall where it is not watched
};

}  // namespace gbuild::sandbox
