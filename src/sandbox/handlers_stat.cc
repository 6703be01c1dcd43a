// The stat family: the calls that a package manager makes most, so what needs no answer of ours is found out with as
// few calls as possible.
#include <linux/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "emulator.h"
#include "status_layout.h"

namespace gbuild::sandbox {

namespace {

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

StatusLayout layout_of(const Request& request) {
    if (request.abi() != Abi::i386) return StatusLayout::native;
    if (request.name().starts_with("old")) return StatusLayout::i386_old;
    return request.narrow() ? StatusLayout::i386 : StatusLayout::i386_64;
}

}  // namespace

// A path for the kernel, from our point of view, that leads where the process's does; "" where that is not certain.
std::string Emulator::quick_path(const Request& request, bool& follow) const {
    const int directory = request.directory();
    if (names_descriptor(request)) {
        follow = true;  // the link in /proc
        return request.tracee().name_of(directory);
    }
    if (roots_vary_.load(std::memory_order_relaxed)) return "";
    const std::string& path = request.path();
    if (path.empty() || may_mean_the_process(path)) return "";
    return path.starts_with('/') ? path : request.tracee().name_of(directory) + "/" + path;
}

Answer Emulator::stat_file(const Request& request) {
    const bool owners = emulation_ == Emulation::ownership;
    if (!owners && !has_devices_.load(std::memory_order_relaxed)) return Answer::proceed();
    constexpr int known_flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
    if ((flags_of(request) & ~known_flags) != 0) return Answer::proceed();
    const Credentials& process = request.process();
    bool follow = follows(request);
    const bool open_already = names_descriptor(request);
    // Whoever may search nothing is not told what is there.
    if (open_already || process.unrestricted()) {
        const std::string quick = quick_path(request, follow);
        if (!quick.empty() && !owners_.may_be_recorded(quick.c_str(), follow)) return Answer::proceed();
    }
    if (open_already) return write_status(request, request.tracee().start(request.directory()).get());
    const LastLink last = follows(request) ? LastLink::follow : LastLink::keep;
    return write_status(request, target(request, process, last, may_be_empty(request)).get());
}

Answer Emulator::write_status(const Request& request, int file) const {
    struct stat status {};
    if (::fstat(file, &status) != 0) return Answer::proceed();
    const struct stat native = status;
    const bool known_to_kernel = request.process().unrestricted() || names_descriptor(request);
    if (!owners_.adorn(file, status) && known_to_kernel) return Answer::proceed();
    if (emulation_ == Emulation::devices) {
        status.st_uid = native.st_uid;
        status.st_gid = native.st_gid;
    }
    if (request.call() != Call::statx) {
        const std::vector<std::byte> bytes = encode_status(status, layout_of(request));
        check_alive(request);
        request.tracee().write(request.argument(request.call() == Call::fstatat ? 2 : 1), bytes);
        return Answer::result(0);
    }
    struct statx extended {};
    const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | (request.integer(2) & AT_STATX_SYNC_TYPE);
    if (::statx(file, "", flags, static_cast<unsigned>(request.integer(3)), &extended) != 0) refuse(errno);
    extended.stx_uid = status.st_uid;
    extended.stx_gid = status.st_gid;
    extended.stx_mode = static_cast<uint16_t>(status.st_mode);
    extended.stx_rdev_major = major(status.st_rdev);
    extended.stx_rdev_minor = minor(status.st_rdev);
    extended.stx_blocks = static_cast<uint64_t>(status.st_blocks);
    check_alive(request);
    request.tracee().write(request.argument(4), std::as_bytes(std::span(&extended, 1)));
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
