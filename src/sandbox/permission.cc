// File permissions as the kernel would judge them for the emulated credentials. Access control lists are not looked at.
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

struct stat adorned(const OwnerBook& owners, int file) {
    struct stat status = stat_of(file);
    owners.adorn(file, status);
    return status;
}

// A process's files in /proc are its user's, whom the kernel knows by one id alone; what it forbids it forbids. The
// same goes for pipes and sockets that a process was given.
bool is_kernels_matter(int file) {
    struct statfs system {};
    return ::fstatfs(file, &system) == 0 &&
           (system.f_type == PROC_SUPER_MAGIC || system.f_type == PIPEFS_MAGIC || system.f_type == SOCKFS_MAGIC);
}

// Of a process's files in /proc, those that tell others no more than ps(1) does.
bool is_public(std::string_view name) {
    constexpr std::string_view names[] = {"cgroup", "cmdline", "comm",      "limits", "oom_score", "oom_score_adj",
                                          "sched",  "stat",    "schedstat", "statm",  "status",    "wchan"};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool owns(const Credentials& process, const struct stat& status) {
    return process.user.file_system == status.st_uid || process.capable(CAP_FOWNER);
}

bool mode_permits(const Credentials& process, const struct stat& status, int mask) {
    unsigned bits = status.st_mode;
    if (status.st_uid == process.user.file_system) {
        bits >>= 6;
    } else if (process.in_group(status.st_gid)) {
        bits >>= 3;
    }
    const unsigned lacking = static_cast<unsigned>(mask) & 07 & ~bits;
    if (lacking == 0) return true;
    // Without any execute bit nobody executes.
    const bool executable = S_ISDIR(status.st_mode) || (status.st_mode & 0111) != 0;
    if (process.capable(CAP_DAC_OVERRIDE) && ((lacking & X_OK) == 0 || executable)) return true;
    const bool reads = (mask & W_OK) == 0 && ((mask & X_OK) == 0 || S_ISDIR(status.st_mode));
    return reads && process.capable(CAP_DAC_READ_SEARCH);
}

// Whoever owns the file.
bool permits_everybody(mode_t mode, int mask) {
    const auto wanted = static_cast<mode_t>(mask & 07);
    const mode_t all = wanted << 6 | wanted << 3 | wanted;
    return (mode & all) == all;
}

bool runs_as_group(mode_t mode) { return (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP); }

}  // namespace

bool Emulator::permits(const Credentials& process, int file, int mask) const {
    return permits(process, file, stat_of(file), mask);
}

bool Emulator::permits(const Credentials& process, int file, struct stat native, int mask) const {
    if (permits_everybody(native.st_mode, mask)) return true;
    owners_.adorn(file, native);
    return mode_permits(process, native, mask) || is_kernels_matter(file);
}

void Emulator::require(const Credentials& process, int file, int mask) const {
    if (!permits(process, file, mask)) refuse(EACCES);
}

void Emulator::require_owner(const Credentials& process, int file) const {
    if (!owns(process, adorned(owners_, file)) && !is_kernels_matter(file)) refuse(EPERM);
}

void Emulator::require_removable(const Credentials& process, const Walked& place) const {
    if (!place.parent) return;  // "." or "/": the kernel knows the error
    const struct stat parent = adorned(owners_, place.parent.get());
    if (!mode_permits(process, parent, W_OK | X_OK)) refuse(EACCES);
    if ((parent.st_mode & S_ISVTX) == 0 || !place.file || owns(process, parent)) return;
    if (!owns(process, adorned(owners_, place.file.get()))) refuse(EPERM);
}

// As with the sysctl fs.protected_hardlinks, which is on everywhere.
void Emulator::require_linkable(const Credentials& process, int file) const {
    const struct stat status = adorned(owners_, file);
    if (owns(process, status)) return;
    const bool harmless = S_ISREG(status.st_mode) && (status.st_mode & S_ISUID) == 0 && !runs_as_group(status.st_mode);
    if (!harmless || !mode_permits(process, status, R_OK | W_OK)) refuse(EPERM);
}

bool Emulator::is_of_processes(int file) const {
    struct statfs system {};
    return ::fstatfs(file, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

void Emulator::require_readable_of_process(const Request& request, const Walked& place, mode_t mode) const {
    if (!place.parent) return;
    pid_t whose = 0;
    try {
        whose = request.tracee().thread_group_of_proc(place.parent.get());
    } catch (const CallError&) {
        return;  // no process's
    }
    const bool for_everybody = (mode & 0004) != 0;
    // The kernel gives us what is our own, whoever it is for.
    if (whose == ::getpid() && (!for_everybody || (S_ISREG(mode) && !is_public(place.name)))) refuse(EACCES);
    if (S_ISREG(mode) && !for_everybody && whose != request.tracee().thread_group()) {
        require_inspectable(request.process(), whose);
    }
}

// ptrace_may_access of the kernel, for what it does not know: our own process, and emulated credentials.
void Emulator::require_inspectable(const Credentials& process, pid_t inspected) const {
    if (inspected == ::getpid()) refuse(EACCES);
    if (process.capable(CAP_SYS_PTRACE)) return;
    const CredentialTable::Shared theirs = credentials_.of(inspected);
    const bool same =
        theirs->user.is_only(process.user.file_system) && theirs->group.is_only(process.group.file_system);
    if (!same || (theirs->permitted & ~process.effective) != 0) refuse(EACCES);
}

}  // namespace gbuild::sandbox
