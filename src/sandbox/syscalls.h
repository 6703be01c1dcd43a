// The system calls that emulation watches, of all three interfaces of an x86-64 kernel.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>

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
    const Syscall* syscall;
    Abi abi;
    bool narrow;  // ids of 16 bits
};

// By AUDIT_ARCH_… and number.
using SyscallTable = std::map<std::pair<uint32_t, int>, SyscallEntry>;
SyscallTable syscall_table();

}  // namespace gbuild::sandbox
