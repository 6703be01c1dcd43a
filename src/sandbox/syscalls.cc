#include "syscalls.h"

#include <linux/audit.h>
#include <seccomp.h>

#include <string_view>

namespace gbuild::sandbox {

namespace {

// clang-format off
constexpr Syscall syscalls[] = {
    {"chown", Call::chown, -1, 0},           {"lchown", Call::lchown, -1, 0},         {"fchown", Call::fchown, 0, -1},
    {"fchownat", Call::fchownat, 0, 1},      {"chown32", Call::chown, -1, 0},         {"lchown32", Call::lchown, -1, 0},
    {"fchown32", Call::fchown, 0, -1},
    {"mknod", Call::mknod, -1, 0, true},     {"mknodat", Call::mknod, 0, 1, true},
    {"stat", Call::stat, -1, 0, true},             {"lstat", Call::lstat, -1, 0, true},           {"fstat", Call::fstat, 0, -1, true},
    {"newfstatat", Call::fstatat, 0, 1, true},     {"statx", Call::statx, 0, 1, true},
    {"stat64", Call::stat, -1, 0, true},           {"lstat64", Call::lstat, -1, 0, true},         {"fstat64", Call::fstat, 0, -1, true},
    {"fstatat64", Call::fstatat, 0, 1, true},
    {"oldstat", Call::stat, -1, 0, true},          {"oldlstat", Call::lstat, -1, 0, true},        {"oldfstat", Call::fstat, 0, -1, true},
    {"setuid", Call::setuid, -1, -1},        {"setgid", Call::setgid, -1, -1},        {"setreuid", Call::setreuid, -1, -1},
    {"setregid", Call::setregid, -1, -1},    {"setresuid", Call::setresuid, -1, -1},  {"setresgid", Call::setresgid, -1, -1},
    {"setfsuid", Call::setfsuid, -1, -1},    {"setfsgid", Call::setfsgid, -1, -1},    {"setgroups", Call::setgroups, -1, -1},
    {"setuid32", Call::setuid, -1, -1},      {"setgid32", Call::setgid, -1, -1},      {"setreuid32", Call::setreuid, -1, -1},
    {"setregid32", Call::setregid, -1, -1},  {"setresuid32", Call::setresuid, -1, -1},{"setresgid32", Call::setresgid, -1, -1},
    {"setfsuid32", Call::setfsuid, -1, -1},  {"setfsgid32", Call::setfsgid, -1, -1},  {"setgroups32", Call::setgroups, -1, -1},
    {"getuid", Call::getuid, -1, -1},        {"geteuid", Call::geteuid, -1, -1},      {"getgid", Call::getgid, -1, -1},
    {"getegid", Call::getegid, -1, -1},      {"getresuid", Call::getresuid, -1, -1},  {"getresgid", Call::getresgid, -1, -1},
    {"getgroups", Call::getgroups, -1, -1},  {"getuid32", Call::getuid, -1, -1},      {"geteuid32", Call::geteuid, -1, -1},
    {"getgid32", Call::getgid, -1, -1},      {"getegid32", Call::getegid, -1, -1},    {"getresuid32", Call::getresuid, -1, -1},
    {"getresgid32", Call::getresgid, -1, -1},{"getgroups32", Call::getgroups, -1, -1},
    {"open", Call::open, -1, 0, true},       {"openat", Call::open, 0, 1, true},      {"openat2", Call::openat2, 0, 1, true},
    {"creat", Call::creat, -1, 0, true},           {"mkdir", Call::mkdir, -1, 0},           {"mkdirat", Call::mkdir, 0, 1},
    {"symlink", Call::symlink, -1, 1},       {"symlinkat", Call::symlink, 1, 2},
    {"unlink", Call::unlink, -1, 0},         {"unlinkat", Call::unlink, 0, 1},        {"rmdir", Call::rmdir, -1, 0},
    {"rename", Call::rename, -1, 0},         {"renameat", Call::rename, 0, 1},        {"renameat2", Call::rename, 0, 1},
    {"link", Call::link, -1, 0},             {"linkat", Call::link, 0, 1},
    {"truncate", Call::truncate, -1, 0},     {"truncate64", Call::truncate, -1, 0},
    {"chmod", Call::chmod, -1, 0},           {"fchmodat", Call::chmod, 0, 1},
    {"fchmod", Call::fchmod, 0, -1},
    {"utime", Call::utime, -1, 0},           {"utimes", Call::utime, -1, 0},          {"futimesat", Call::utime, 0, 1},
    {"utimensat", Call::utime, 0, 1},        {"utimensat_time64", Call::utime, 0, 1},
    {"access", Call::access, -1, 0},         {"faccessat", Call::faccessat, 0, 1},    {"faccessat2", Call::faccessat, 0, 1},
    {"chdir", Call::chdir, -1, 0},           {"fchdir", Call::chdir, 0, -1},          {"chroot", Call::chroot, -1, 0, true},
    {"pivot_root", Call::new_root, -1, -1, true},  {"unshare", Call::new_root, -1, -1, true},     {"clone", Call::new_root, -1, -1, true},
    {"setns", Call::new_root, -1, -1, true},
    {"execve", Call::execve, -1, 0},         {"execveat", Call::execve, 0, 1},
    {"kill", Call::kill, -1, -1},            {"tkill", Call::kill, -1, -1},           {"tgkill", Call::kill, -1, -1},
    {"rt_sigqueueinfo", Call::kill, -1, -1}, {"rt_tgsigqueueinfo", Call::kill, -1, -1},
    {"pidfd_send_signal", Call::kill, -1, -1},
    {"capget", Call::capget, -1, -1},
    {"capset", Call::capset, -1, -1},        {"prctl", Call::keepcaps, -1, -1},       {"getsockopt", Call::peercred, -1, -1},
    {"bind", Call::bind, -1, -1},            {"socketcall", Call::socketcall, -1, -1},
    {"setrlimit", Call::limit, -1, -1},      {"getrlimit", Call::limit, -1, -1},      {"ugetrlimit", Call::limit, -1, -1},
    {"prlimit64", Call::limit, -1, -1},
    {"listxattr", Call::listxattr, -1, 0},   {"llistxattr", Call::llistxattr, -1, 0}, {"flistxattr", Call::flistxattr, 0, -1},
    {"getxattr", Call::getxattr, -1, 0},     {"lgetxattr", Call::lgetxattr, -1, 0},   {"fgetxattr", Call::fgetxattr, 0, -1},
    {"setxattr", Call::setxattr, -1, 0},     {"lsetxattr", Call::lsetxattr, -1, 0},   {"fsetxattr", Call::fsetxattr, 0, -1},
    {"removexattr", Call::removexattr, -1, 0}, {"lremovexattr", Call::lremovexattr, -1, 0},
    {"fremovexattr", Call::fremovexattr, 0, -1},
};

// i386's first calls, each of which has a successor with "32" or "64" in its name.
constexpr std::string_view narrow_names[] = {
    "chown", "lchown", "fchown", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid",
    "setfsgid", "setgroups", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "stat",
    "lstat", "fstat", "oldstat", "oldlstat", "oldfstat"};
// clang-format on

bool is_narrow(std::string_view name) {
    for (std::string_view narrow : narrow_names) {
        if (name == narrow) return true;
    }
    return false;
}

struct Interface {
    Abi abi;
    uint32_t library_arch;
};
constexpr Interface interfaces[] = {
    {Abi::x86_64, SCMP_ARCH_X86_64}, {Abi::x32, SCMP_ARCH_X32}, {Abi::i386, SCMP_ARCH_X86}};

constexpr int x32_bit = 1 << 30;

}  // namespace

std::span<const Syscall> watched_syscalls() { return syscalls; }

SyscallTable::SyscallTable() {
    for (const Interface& interface : interfaces) {
        auto& entries = by_number_[static_cast<size_t>(interface.abi)];
        for (const Syscall& syscall : syscalls) {
            const int number = ::seccomp_syscall_resolve_name_arch(interface.library_arch, syscall.name);
            if (number < 0) continue;
            const auto index = static_cast<size_t>(number & ~x32_bit);
            if (index >= entries.size()) entries.resize(index + 1);
            if (entries[index].syscall != nullptr) continue;
            const bool narrow = interface.abi == Abi::i386 && is_narrow(syscall.name);
            entries[index] = {&syscall, interface.abi, narrow};
        }
    }
}

const SyscallEntry* SyscallTable::find(uint32_t architecture, int number) const {
    if (architecture != AUDIT_ARCH_X86_64 && architecture != AUDIT_ARCH_I386) return nullptr;
    Abi abi = Abi::i386;
    if (architecture == AUDIT_ARCH_X86_64) abi = (number & x32_bit) != 0 ? Abi::x32 : Abi::x86_64;
    const auto& entries = by_number_[static_cast<size_t>(abi)];
    const auto index = static_cast<size_t>(abi == Abi::x32 ? number & ~x32_bit : number);
    if (index >= entries.size() || entries[index].syscall == nullptr) return nullptr;
    return &entries[index];
}

}  // namespace gbuild::sandbox
