// The stat family and access(2). stat is the call that a package manager makes most, so what needs no answer of ours is
// found out with as few calls as possible.
#include <linux/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

// struct stat64 and struct stat of i386: the kernel's headers for that architecture have them, ours do not.
struct __attribute__((packed)) Stat64 {
    uint64_t device;
    std::array<std::byte, 4> padding;
    uint32_t short_inode, mode, links, uid, gid;
    uint64_t special_device;
    std::array<std::byte, 4> padding2;
    int64_t size;
    uint32_t block_size;
    uint64_t blocks;
    uint32_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
    uint64_t inode;
};
static_assert(sizeof(Stat64) == 96);

struct __attribute__((packed)) Stat32 {
    uint32_t device, inode;
    uint16_t mode, links, uid, gid;
    uint32_t special_device, size, block_size, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
    std::array<uint32_t, 2> unused;
};
static_assert(sizeof(Stat32) == 64);

template <class To, class From>
To narrow_to(From value) {
    return static_cast<To>(value);
}

uint16_t narrow_id(uint32_t id) {
    constexpr uint16_t overflow = 65534;
    return id > UINT16_MAX ? overflow : static_cast<uint16_t>(id);
}

Stat64 as_stat64(const struct stat& from) {
    Stat64 to{};
    to.device = from.st_dev;
    to.short_inode = narrow_to<uint32_t>(from.st_ino);
    to.mode = from.st_mode;
    to.links = narrow_to<uint32_t>(from.st_nlink);
    to.uid = from.st_uid;
    to.gid = from.st_gid;
    to.special_device = from.st_rdev;
    to.size = from.st_size;
    to.block_size = narrow_to<uint32_t>(from.st_blksize);
    to.blocks = narrow_to<uint64_t>(from.st_blocks);
    to.atime = narrow_to<uint32_t>(from.st_atim.tv_sec);
    to.atime_ns = narrow_to<uint32_t>(from.st_atim.tv_nsec);
    to.mtime = narrow_to<uint32_t>(from.st_mtim.tv_sec);
    to.mtime_ns = narrow_to<uint32_t>(from.st_mtim.tv_nsec);
    to.ctime = narrow_to<uint32_t>(from.st_ctim.tv_sec);
    to.ctime_ns = narrow_to<uint32_t>(from.st_ctim.tv_nsec);
    to.inode = from.st_ino;
    return to;
}

Stat32 as_stat32(const struct stat& from) {
    Stat32 to{};
    to.device = narrow_to<uint32_t>(from.st_dev);
    to.inode = narrow_to<uint32_t>(from.st_ino);
    to.mode = narrow_to<uint16_t>(from.st_mode);
    to.links = narrow_to<uint16_t>(from.st_nlink);
    to.uid = narrow_id(from.st_uid);
    to.gid = narrow_id(from.st_gid);
    to.special_device = narrow_to<uint32_t>(from.st_rdev);
    to.size = narrow_to<uint32_t>(from.st_size);
    to.block_size = narrow_to<uint32_t>(from.st_blksize);
    to.blocks = narrow_to<uint32_t>(from.st_blocks);
    to.atime = narrow_to<uint32_t>(from.st_atim.tv_sec);
    to.mtime = narrow_to<uint32_t>(from.st_mtim.tv_sec);
    to.mtime_ns = narrow_to<uint32_t>(from.st_mtim.tv_nsec);
    to.ctime = narrow_to<uint32_t>(from.st_ctim.tv_sec);
    to.ctime_ns = narrow_to<uint32_t>(from.st_ctim.tv_nsec);
    return to;
}

int flags_of(const Request& request) {
    if (request.call() == Call::fstatat) return request.integer(3);
    if (request.call() == Call::statx) return request.integer(2);
    return request.call() == Call::lstat ? AT_SYMLINK_NOFOLLOW : 0;
}

bool follows(const Request& request) { return (flags_of(request) & AT_SYMLINK_NOFOLLOW) == 0; }

bool may_be_empty(const Request& request) { return (flags_of(request) & AT_EMPTY_PATH) != 0; }

// fstat(3) is newfstatat(2) with an empty path, or none.
bool names_descriptor(const Request& request) {
    if (!request.has_path()) return true;
    return may_be_empty(request) && (request.argument(1) == 0 || request.path().empty());
}

}  // namespace

// A path for the kernel, from our point of view, that leads where the process's does; "" where that is not certain.
std::string Emulator::quick_path(const Request& request, bool& follow) const {
    const pid_t id = request.tracee().id();
    const int directory = request.directory();
    if (names_descriptor(request)) {
        follow = true;  // the link in /proc
        return directory == AT_FDCWD ? fmt::format("/proc/{}/cwd", id) : fmt::format("/proc/{}/fd/{}", id, directory);
    }
    if (chrooted_.load(std::memory_order_relaxed)) return "";
    const std::string& path = request.path();
    if (path.empty()) return "";
    // Below these, links may lead to a process's own.
    if (path.starts_with("/proc") || path.starts_with("/dev")) return "";
    if (path.starts_with('/')) return path;
    return directory == AT_FDCWD ? fmt::format("/proc/{}/cwd/{}", id, path)
                                 : fmt::format("/proc/{}/fd/{}/{}", id, directory, path);
}

Answer Emulator::stat_file(const Request& request) {
    const bool owners = emulation_ == Emulation::ownership;
    if (!owners && !has_devices_.load(std::memory_order_relaxed)) return Answer::proceed();
    const Credentials process = owners ? credentials_.of(request.tracee().id()) : Credentials();
    bool follow = follows(request);
    const std::string quick = process.privileged() ? quick_path(request, follow) : "";
    if (!quick.empty()) {
        std::array<char, 64> value;
        const char* attribute = owners ? owner_attribute : device_attribute;
        const ssize_t size = follow ? ::getxattr(quick.c_str(), attribute, value.data(), value.size())
                                    : ::lgetxattr(quick.c_str(), attribute, value.data(), value.size());
        if (size < 0 && !owners_.has_table()) return Answer::proceed();
        if (size < 0 && errno != ENODATA && errno != EOPNOTSUPP) return Answer::proceed();
    }
    UniqueFd file;
    if (names_descriptor(request)) {
        file = request.tracee().start(request.directory());
    } else if (!quick.empty()) {
        file = UniqueFd(::open(quick.c_str(), O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)));
        if (!file) return Answer::proceed();
    } else {
        file = target(request, process, follow ? LastLink::follow : LastLink::keep, may_be_empty(request));
    }
    return write_status(request, file.get());
}

Answer Emulator::write_status(const Request& request, int file) const {
    struct stat status {};
    if (::fstat(file, &status) != 0) return Answer::proceed();
    const struct stat native = status;
    owners_.adorn(file, status);
    if (emulation_ == Emulation::devices) {
        status.st_uid = native.st_uid;
        status.st_gid = native.st_gid;
    }
    if (native.st_uid == status.st_uid && native.st_gid == status.st_gid && native.st_mode == status.st_mode) {
        return Answer::proceed();
    }
    if (request.call() == Call::statx) {
        struct statx extended {};
        const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | (request.integer(2) & AT_STATX_SYNC_TYPE);
        if (::statx(file, "", flags, static_cast<unsigned>(request.integer(3)), &extended) != 0) refuse(errno);
        extended.stx_uid = status.st_uid;
        extended.stx_gid = status.st_gid;
        extended.stx_mode = static_cast<uint16_t>(status.st_mode);
        extended.stx_rdev_major = major(status.st_rdev);
        extended.stx_rdev_minor = minor(status.st_rdev);
        check_alive(request);
        request.tracee().write(request.argument(4), std::as_bytes(std::span(&extended, 1)));
        return Answer::result(0);
    }
    const uint64_t to = request.argument(request.call() == Call::fstatat ? 2 : 1);
    check_alive(request);
    if (request.abi() != Abi::i386) {
        request.tracee().write(to, std::as_bytes(std::span(&status, 1)));
    } else if (request.narrow()) {
        const Stat32 small = as_stat32(status);
        request.tracee().write(to, std::as_bytes(std::span(&small, 1)));
    } else {
        const Stat64 large = as_stat64(status);
        request.tracee().write(to, std::as_bytes(std::span(&large, 1)));
    }
    return Answer::result(0);
}

// Asks for the real ids, unless told otherwise.
Answer Emulator::may_access(const Request& request) {
    Credentials process = credentials_.of(request.tracee().id());
    const bool extended = request.name() == "faccessat2";
    const int flags = extended ? request.integer(3) : 0;
    const int mask = request.integer(request.call() == Call::access ? 1 : 2);
    if ((flags & AT_EACCESS) == 0) {
        process.user.file_system = process.user.real;
        process.group.file_system = process.group.real;
        process.effective = process.user.real == 0 ? process.permitted : false;
    }
    if (process.privileged()) return Answer::proceed();
    const LastLink last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::keep : LastLink::follow;
    const UniqueFd file = target(request, process, last, (flags & AT_EMPTY_PATH) != 0);
    if (mask != F_OK) require(process, file.get(), mask);
    return Answer::proceed();
}

}  // namespace gbuild::sandbox
