// open(2) and its relatives. New files are made here, so that their owner is recorded before anybody sees them, and
// their descriptors handed over.
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "emulator.h"
#include "lent_capabilities.h"
#include "scoped_umask.h"

namespace gbuild::sandbox {

// What the calls have in common.
struct Opening {
    int flags = 0;
    mode_t mode = 0;
    uint64_t resolve = 0;  // as in open_how

    bool temporary() const { return (flags & O_TMPFILE) == O_TMPFILE; }
    bool exclusive() const { return (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0; }
    bool makes() const { return (flags & O_CREAT) != 0 || temporary(); }
    LastLink last() const { return (flags & O_NOFOLLOW) != 0 || exclusive() ? LastLink::keep : LastLink::follow; }
    // Of a FIFO.
    bool waits_for_other_end() const { return (flags & O_NONBLOCK) == 0 && (flags & O_ACCMODE) != O_RDWR; }
    int wanted_access() const {
        const int access = flags & O_ACCMODE;
        const int mask = access == O_WRONLY ? W_OK : access == O_RDWR ? R_OK | W_OK : R_OK;
        return (flags & O_TRUNC) != 0 ? mask | W_OK : mask;
    }
};

namespace {

// nullopt: newer than this program, or wrong; the kernel knows.
std::optional<Opening> opening_of_how(const Request& request) {
    constexpr uint64_t page = 4096;
    const int next = request.after_path(1);
    const uint64_t size = request.argument(next + 1);
    if (size < sizeof(open_how)) refuse(EINVAL);
    if (size > page) refuse(E2BIG);
    std::vector<std::byte> bytes(size);
    request.tracee().read(request.argument(next), bytes);
    open_how how{};
    std::copy_n(bytes.begin(), sizeof how, std::as_writable_bytes(std::span(&how, 1)).begin());
    const bool more =
        std::any_of(bytes.begin() + sizeof how, bytes.end(), [](std::byte b) { return b != std::byte(); });
    if (more || how.flags > UINT32_MAX || (how.mode & ~uint64_t{07777}) != 0) return std::nullopt;
    return Opening{static_cast<int>(how.flags), static_cast<mode_t>(how.mode), how.resolve};
}

std::optional<Opening> opening_of(const Request& request) {
    const int next = request.after_path(1);
    if (request.call() == Call::openat2) return opening_of_how(request);
    if (request.call() == Call::creat) {
        return Opening{O_CREAT | O_WRONLY | O_TRUNC, static_cast<mode_t>(request.argument(next)), 0};
    }
    return Opening{request.integer(next), static_cast<mode_t>(request.argument(next + 1)), 0};
}

// A name in a directory: what it leads to by links is not this function's to follow.
UniqueFd open_with(int directory, const std::string& name, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<uint32_t>(flags | O_CLOEXEC);
    how.mode = mode & 07777;
    how.resolve = RESOLVE_NO_SYMLINKS;
    for (;;) {
        UniqueFd file(static_cast<int>(::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how)));
        if (file || (errno != EAGAIN && errno != EINTR)) return file;
    }
}

bool is_pipe(int file) {
    struct statfs system {};
    return ::fstatfs(file, &system) == 0 && system.f_type == PIPEFS_MAGIC;
}

}  // namespace

Answer Emulator::open_file(const Request& request) {
    const auto opening = opening_of(request);
    if (!opening || (opening->flags & O_PATH) != 0) return Answer::proceed();
    const Credentials& process = request.process();
    if (opens_device(request, *opening)) refuse(EACCES);
    if (emulation_ != Emulation::ownership) return Answer::proceed();
    const auto parent = opening->temporary() ? Parent::itself : Parent::above;
    if (opening->makes() ? makes_natively(request, parent) : process.unrestricted()) return Answer::proceed();
    constexpr uint64_t known = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |
                               RESOLVE_IN_ROOT | RESOLVE_CACHED;
    if ((opening->resolve & ~known) != 0) return Answer::proceed();
    if ((opening->resolve & RESOLVE_CACHED) != 0) refuse(EAGAIN);  // to be done again without
    const Walked place = walk(request, process, request.directory(), request.path(), opening->last(), opening->resolve);
    if (opening->temporary()) {
        if (!place.file) refuse(ENOENT);
        require(process, place.file.get(), W_OK | X_OK);
        return *create_and_inject(request, *opening, place.file.get(), ".");
    }
    if (place.file) {
        if (opening->exclusive()) refuse(EEXIST);
        return open_found(request, *opening, place);
    }
    if ((opening->flags & O_CREAT) == 0) refuse(ENOENT);
    if (request.path().ends_with('/')) refuse(EISDIR);
    const int directory = place.parent.get();
    require(process, directory, W_OK | X_OK);
    if (auto made = create_and_inject(request, *opening, directory, place.name)) return *made;
    // Somebody was quicker: now it is an ordinary file to open.
    return open_found(request, *opening,
                      walk(request, process, request.directory(), request.path(), opening->last(), opening->resolve));
}

// Opened here: what the path leads to by the time the kernel would walk it may be another file, of which nobody asked
// whether the process may have it.
Answer Emulator::open_found(const Request& request, const Opening& opening, const Walked& place) {
    const Credentials& process = request.process();
    if (!place.file) refuse(ENOENT);
    const int file = place.file.get();
    const struct stat status = stat_of(file);
    require(process, file, opening.wanted_access());
    if (S_ISLNK(status.st_mode)) refuse(ELOOP);
    if (S_ISDIR(status.st_mode) && (opening.makes() || (opening.wanted_access() & W_OK) != 0)) refuse(EISDIR);
    if (!S_ISDIR(status.st_mode) && (opening.flags & O_DIRECTORY) != 0) refuse(ENOTDIR);
    if ((opening.flags & O_NOATIME) != 0) require_owner(process, file);
    if (S_ISSOCK(status.st_mode)) refuse(ENXIO);
    const int flags = (opening.flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_NOCTTY | O_CLOEXEC;
    UniqueFd opened;
    if (is_of_processes(file)) {
        require_readable_of_process(request, place, status.st_mode);
        const LentCapabilities lent(request.tracee().effective_capabilities());
        opened = UniqueFd(::open(descriptor_path(file).c_str(), flags));
    } else if (S_ISFIFO(status.st_mode) && !is_pipe(file) && opening.waits_for_other_end()) {
        check_alive(request);
        blocked_opens_.add(
            {request.id(), request.tracee().id(), duplicate(file), flags, (opening.flags & O_CLOEXEC) != 0});
        return Answer::later();
    } else {
        opened = UniqueFd(::open(descriptor_path(file).c_str(), flags));
    }
    if (!opened) refuse(errno);
    check_alive(request);
    return inject(request, opened.get(), opening.flags);
}

// What stands for a device is as little a way to it as the node would be.
bool Emulator::opens_device(const Request& request, const Opening& opening) const {
    if (!has_devices_.load(std::memory_order_relaxed) || opening.temporary() || opening.exclusive()) return false;
    try {
        const UniqueFd file = find(request, request.process(), request.directory(), request.path(), opening.last());
        return owners_.device(file.get(), stat_of(file.get())).has_value();
    } catch (const CallError&) {
        return false;  // what is wrong with it, others know better
    }
}

std::optional<Answer> Emulator::create_and_inject(const Request& request, const Opening& opening, int parent,
                                                  const std::string& name) {
    const RecordedOwner owner = new_owner(request, parent);
    UniqueFd file;
    {
        const ScopedUmask mask(request.tracee().umask());
        check_alive(request);
        const int only_new = opening.temporary() ? 0 : O_EXCL;
        file = open_with(parent, name, opening.flags | only_new | O_NOCTTY, opening.mode);
    }
    if (!file && errno == EEXIST && !opening.exclusive()) return std::nullopt;
    if (!file) refuse(errno);
    if (owner != RecordedOwner()) owners_.set_owner(file.get(), stat_of(file.get()), owner);
    return inject(request, file.get(), opening.flags);
}

Answer Emulator::inject(const Request& request, int fd, int flags) const {
    seccomp_notif_addfd add{};
    add.id = request.id();
    add.srcfd = static_cast<uint32_t>(fd);
    add.newfd_flags = static_cast<uint32_t>(flags & O_CLOEXEC);
    const int number = ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    if (number < 0) refuse(errno == ENOENT ? ESRCH : errno);
    return Answer::result(number);
}

}  // namespace gbuild::sandbox
