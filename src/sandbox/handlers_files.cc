// Owners, new files, and what permissions decide about files and names.
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "emulator.h"
#include "gbuild/base/text.h"

namespace gbuild::sandbox {

namespace {

struct stat stat_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) refuse(errno);
    return status;
}

// What open(2), openat(2), openat2(2) and creat(2) have in common.
struct Opening {
    int flags = 0;
    mode_t mode = 0;
    uint64_t resolve = 0;
};

Opening opening_of(const Request& request) {
    Opening opening;
    const int next = request.after_path(1);
    if (request.call() == Call::creat) {
        opening.flags = O_CREAT | O_WRONLY | O_TRUNC;
        opening.mode = static_cast<mode_t>(request.argument(next));
    } else if (request.call() == Call::openat2) {
        open_how how{};
        constexpr uint64_t page = 4096;
        if (request.argument(next + 1) < sizeof how) refuse(EINVAL);
        if (request.argument(next + 1) > page) refuse(E2BIG);
        request.tracee().read(request.argument(next), std::as_writable_bytes(std::span(&how, 1)));
        opening = {static_cast<int>(how.flags), static_cast<mode_t>(how.mode), how.resolve};
    } else {
        opening.flags = request.integer(next);
        opening.mode = static_cast<mode_t>(request.argument(next + 1));
    }
    return opening;
}

bool is_temporary(int flags) { return (flags & O_TMPFILE) == O_TMPFILE; }

int wanted_access(int flags) {
    const int mode = flags & O_ACCMODE;
    int mask = mode == O_WRONLY ? W_OK : mode == O_RDWR ? R_OK | W_OK : R_OK;
    if ((flags & O_TRUNC) != 0) mask |= W_OK;
    return mask;
}

std::string directory_of(const std::string& path) {
    const size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Answer Emulator::change_owner(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    const int first = request.has_path() ? request.after_path(1) : 1;
    const uint32_t uid = request.user_or_group(first), gid = request.user_or_group(first + 1);
    const int flags = request.call() == Call::fchownat ? request.integer(4) : 0;
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) refuse(EINVAL);
    const bool keep = request.call() == Call::lchown || (flags & AT_SYMLINK_NOFOLLOW) != 0;
    const UniqueFd file =
        target(request, process, keep ? LastLink::keep : LastLink::follow, (flags & AT_EMPTY_PATH) != 0);
    if (request.call() == Call::fchown) {
        // A descriptor that only names a file changes none.
        const UniqueFd info(::openat(proc_,
                                     fmt::format("{}/fdinfo/{}", request.tracee().id(), request.directory()).c_str(),
                                     O_RDONLY | O_CLOEXEC));
        char text[256] = {};
        if (info && ::read(info.get(), text, sizeof text - 1) > 0) {
            const char* at = std::strstr(text, "flags:");
            if (at != nullptr && (std::strtoul(at + 6, nullptr, 8) & O_PATH) != 0) refuse(EBADF);
        }
    }
    const struct stat status = stat_of(file.get());
    RecordedOwner owner = owners_.owner(file.get(), status);
    if (!process.privileged()) {
        const bool own = owner.uid == process.user.file_system;
        const bool same_user = uid == unchanged_id || uid == owner.uid;
        const bool own_group = gid == unchanged_id || gid == owner.gid || process.in_group(gid);
        const bool nothing = uid == unchanged_id && gid == unchanged_id;
        if (!nothing && (!own || !same_user || !own_group)) refuse(EPERM);
    }
    check_alive(request);
    // The real one checks, copies up, and clears set-id bits and capabilities.
    if (::fchownat(file.get(), "", uid == unchanged_id ? uid : 0, gid == unchanged_id ? gid : 0, AT_EMPTY_PATH) != 0) {
        // What was mounted from outside belongs to nobody here, and is no part of the image.
        struct stat root {};
        if (errno == EPERM && ::stat("/", &root) == 0 && root.st_dev != status.st_dev) return Answer::result(0);
        refuse(errno);
    }
    if (uid != unchanged_id) owner.uid = uid;
    if (gid != unchanged_id) owner.gid = gid;
    // It may have been copied up just now: then its path is what tells in the end.
    owners_.set_owner(file.get(), stat_of(file.get()), owner, OwnerBook::Origin::below);
    return Answer::result(0);
}

std::optional<RecordedOwner> Emulator::new_owner(const Credentials& process, int parent) const {
    struct stat status = stat_of(parent);
    RecordedOwner owner{process.user.file_system, process.group.file_system};
    if ((status.st_mode & S_ISGID) != 0) {
        owners_.adorn(parent, status);
        owner.gid = status.st_gid;
    }
    if (owner == RecordedOwner()) return std::nullopt;
    return owner;
}

// For root, whose files are its own unless a directory says otherwise. One call in most cases.
bool Emulator::parent_passes_group(const Request& request) const {
    if (chrooted_.load(std::memory_order_relaxed)) return true;
    const std::string parent = directory_of(request.path());
    const int directory = request.directory();
    std::string path = parent;
    if (!parent.starts_with('/')) {
        path = directory == AT_FDCWD ? fmt::format("/proc/{}/cwd/{}", request.tracee().id(), parent)
                                     : fmt::format("/proc/{}/fd/{}/{}", request.tracee().id(), directory, parent);
    }
    struct stat status {};
    return ::stat(path.c_str(), &status) != 0 || (status.st_mode & S_ISGID) != 0;
}

void Emulator::record_new(int parent, const std::string& name, RecordedOwner owner) {
    const UniqueFd file(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (file) owners_.set_owner(file.get(), stat_of(file.get()), owner);
}

Answer Emulator::make_node(const Request& request) {
    const Credentials process =
        emulation_ == Emulation::ownership ? credentials_.of(request.tracee().id()) : Credentials();
    const int next = request.after_path(1);
    const auto mode = static_cast<mode_t>(request.argument(next));
    const uint64_t device = request.argument(next + 1);
    if (S_ISCHR(mode) || S_ISBLK(mode)) return make_device(request, process, mode, device);
    if (emulation_ != Emulation::ownership) return Answer::proceed();
    if (process.privileged() && !parent_passes_group(request)) return Answer::proceed();
    const Walked place = walk(request, process, LastLink::keep);
    if (place.file) refuse(EEXIST);
    require(process, place.parent.get(), W_OK | X_OK);
    const auto owner = new_owner(process, place.parent.get());
    if (!owner) return Answer::proceed();
    check_alive(request);
    if (::mknodat(place.parent.get(), place.name.c_str(), mode & ~request.tracee().umask(), 0) != 0) refuse(errno);
    record_new(place.parent.get(), place.name, *owner);
    return Answer::result(0);
}

// An empty file stands for it.
Answer Emulator::make_device(const Request& request, const Credentials& process, mode_t mode, uint64_t device) {
    const bool owners = emulation_ == Emulation::ownership;
    const Tracee::FileSystemIds real = request.tracee().file_system_ids();
    if (!process.privileged() || (!owners && real.uid != 0)) refuse(EPERM);
    const auto number = static_cast<dev_t>(device & UINT32_MAX);
    // It would be overlayfs's whiteout.
    if (S_ISCHR(mode) && number == 0) refuse(EPERM);
    const Walked place = walk(request, process, LastLink::keep);
    if (place.file) refuse(EEXIST);
    const std::optional<RecordedOwner> owner = owners ? new_owner(process, place.parent.get()) : std::nullopt;
    check_alive(request);
    const mode_t permissions = mode & 07777 & ~request.tracee().umask();
    if (::mknodat(place.parent.get(), place.name.c_str(), S_IFREG | permissions, 0) != 0) refuse(errno);
    const UniqueFd file(::openat(place.parent.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!file) refuse(errno);
    if (!owners && real.gid != 0 && ::fchownat(file.get(), "", unchanged_id, real.gid, AT_EMPTY_PATH) != 0)
        refuse(errno);
    owners_.set_device(file.get(), {S_ISBLK(mode), major(number), minor(number)});
    has_devices_ = true;
    if (owner) owners_.set_owner(file.get(), stat_of(file.get()), *owner);
    return Answer::result(0);
}

Answer Emulator::make_named(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged() && process.user.file_system == 0 && process.group.file_system == 0 &&
        !parent_passes_group(request)) {
        return Answer::proceed();
    }
    // A directory may be asked for as "name/".
    std::string path = request.path();
    if (request.call() == Call::mkdir) {
        while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    }
    const Walked place = walk(request, process, request.directory(), path, LastLink::keep);
    if (place.file) refuse(EEXIST);
    require(process, place.parent.get(), W_OK | X_OK);
    const auto owner = new_owner(process, place.parent.get());
    if (!owner) return Answer::proceed();
    check_alive(request);
    if (request.call() == Call::mkdir) {
        const auto mode = static_cast<mode_t>(request.argument(request.after_path(1))) & ~request.tracee().umask();
        if (::mkdirat(place.parent.get(), place.name.c_str(), mode) != 0) refuse(errno);
    } else {
        const std::string target = request.tracee().read_path(request.argument(0));
        if (::symlinkat(target.c_str(), place.parent.get(), place.name.c_str()) != 0) refuse(errno);
    }
    record_new(place.parent.get(), place.name, *owner);
    return Answer::result(0);
}

Answer Emulator::open_file(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    const Opening opening = opening_of(request);
    if ((opening.flags & O_PATH) != 0) return Answer::proceed();
    const bool creates = (opening.flags & O_CREAT) != 0 || is_temporary(opening.flags);
    const bool own_files = process.user.file_system == 0 && process.group.file_system == 0;
    if (process.privileged() && own_files && (!creates || !parent_passes_group(request))) return Answer::proceed();
    const bool keep = (opening.flags & O_NOFOLLOW) != 0 ||
                      ((opening.flags & O_CREAT) != 0 && (opening.flags & O_EXCL) != 0) ||
                      (opening.resolve & RESOLVE_NO_SYMLINKS) != 0;
    if (creates && opening.resolve != 0)
        return create_restricted(request, process, opening.flags, opening.mode, opening.resolve);
    Walked place = walk(request, process, keep ? LastLink::keep : LastLink::follow);
    if (is_temporary(opening.flags)) {
        if (!place.file) refuse(ENOENT);
        require(process, place.file.get(), W_OK | X_OK);
        return create_and_inject(request, process, std::move(place), opening.flags, opening.mode);
    }
    if (place.file) {
        if (creates && (opening.flags & O_EXCL) != 0) refuse(EEXIST);
        require(process, place.file.get(), wanted_access(opening.flags));
        return Answer::proceed();
    }
    if (!creates) refuse(ENOENT);
    require(process, place.parent.get(), W_OK | X_OK);
    if (!new_owner(process, place.parent.get())) return Answer::proceed();
    return create_and_inject(request, process, std::move(place), opening.flags, opening.mode);
}

// How the path may be resolved is the kernel's business; what it makes is then given its owner.
Answer Emulator::create_restricted(const Request& request, const Credentials& process, int flags, mode_t mode,
                                   uint64_t resolve) {
    const UniqueFd start = request.tracee().start(request.directory());
    open_how how{};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | O_NOCTTY | O_EXCL);
    how.mode = mode & ~request.tracee().umask();
    how.resolve = resolve;
    check_alive(request);
    const UniqueFd file(
        static_cast<int>(::syscall(SYS_openat2, start.get(), request.path().c_str(), &how, sizeof how)));
    if (!file && errno == EEXIST && (flags & O_EXCL) == 0) return Answer::proceed();
    if (!file) refuse(errno);
    owners_.set_owner(file.get(), stat_of(file.get()), {process.user.file_system, process.group.file_system});
    return inject(request, file.get(), flags);
}

// The file is made here, so that its owner is recorded before anybody sees it, and its descriptor handed over.
Answer Emulator::create_and_inject(const Request& request, const Credentials& process, Walked place, int flags,
                                   mode_t mode) {
    mode &= ~request.tracee().umask();
    check_alive(request);
    const int own_flags = flags | O_CLOEXEC | O_NOCTTY;
    UniqueFd file;
    RecordedOwner owner{process.user.file_system, process.group.file_system};
    if (is_temporary(flags)) {
        file = UniqueFd(::open(descriptor_path(place.file.get()).c_str(), own_flags, mode));
    } else {
        owner = new_owner(process, place.parent.get()).value_or(owner);
        file = UniqueFd(::openat(place.parent.get(), place.name.c_str(), own_flags | O_EXCL | O_NOFOLLOW, mode));
        // Somebody was quicker; now it is an ordinary file to open.
        if (!file && errno == EEXIST && (flags & O_EXCL) == 0) return Answer::proceed();
    }
    if (!file) refuse(errno);
    owners_.set_owner(file.get(), stat_of(file.get()), owner);
    return inject(request, file.get(), flags);
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

void Emulator::check_removal(const Credentials& process, const Walked& place) const {
    if (!place.parent) return;  // "." or "/": the kernel knows the error
    require(process, place.parent.get(), W_OK | X_OK);
    struct stat parent = stat_of(place.parent.get());
    if ((parent.st_mode & S_ISVTX) == 0 || !place.file) return;
    struct stat file = stat_of(place.file.get());
    owners_.adorn(place.parent.get(), parent);
    owners_.adorn(place.file.get(), file);
    const uint32_t self = process.user.file_system;
    if (self != file.st_uid && self != parent.st_uid) refuse(EPERM);
}

Answer Emulator::remove_name(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged()) return Answer::proceed();
    const Walked place = walk(request, process, LastLink::keep);
    if (place.file) check_removal(process, place);
    return Answer::proceed();
}

Answer Emulator::move_name(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged()) return Answer::proceed();
    const bool plain = request.name() == "rename";
    const Walked from = walk(request, process, LastLink::keep);
    if (!from.file) refuse(ENOENT);
    check_removal(process, from);
    const std::string to_path = request.tracee().read_path(request.argument(plain ? 1 : 3));
    const Walked to = walk(request, process, plain ? AT_FDCWD : request.integer(2), to_path, LastLink::keep);
    check_removal(process, to);
    return Answer::proceed();
}

Answer Emulator::link_name(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged()) return Answer::proceed();
    const bool plain = request.name() == "link";
    const std::string to_path = request.tracee().read_path(request.argument(plain ? 1 : 3));
    const Walked to = walk(request, process, plain ? AT_FDCWD : request.integer(2), to_path, LastLink::keep);
    if (to.file) refuse(EEXIST);
    require(process, to.parent.get(), W_OK | X_OK);
    // As with the sysctl fs.protected_hardlinks, which is on everywhere.
    const Walked from = walk(request, process, LastLink::keep);
    if (!from.file) refuse(ENOENT);
    struct stat status = stat_of(from.file.get());
    owners_.adorn(from.file.get(), status);
    if (status.st_uid == process.user.file_system) return Answer::proceed();
    const bool harmless = S_ISREG(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) == 0;
    if (!harmless || !permits(process, from.file.get(), R_OK | W_OK)) refuse(EPERM);
    return Answer::proceed();
}

Answer Emulator::change_mode(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged()) return Answer::proceed();
    const bool keep = request.name() == "fchmodat2" && (request.integer(3) & AT_SYMLINK_NOFOLLOW) != 0;
    const UniqueFd file = target(request, process, keep ? LastLink::keep : LastLink::follow, true);
    struct stat status = stat_of(file.get());
    owners_.adorn(file.get(), status);
    if (status.st_uid != process.user.file_system) refuse(EPERM);
    return Answer::proceed();
}

Answer Emulator::truncate_file(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged()) return Answer::proceed();
    require(process, target(request, process, LastLink::follow, false).get(), W_OK);
    return Answer::proceed();
}

// Anybody who may write may set a file's times to now; other times are its owner's to set.
Answer Emulator::change_times(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged()) return Answer::proceed();
    const int next = request.after_path(1);
    const bool with_flags = request.name().starts_with("utimensat");
    const int flags = with_flags ? request.integer(3) : 0;
    const bool by_descriptor = request.directory() != AT_FDCWD && request.argument(request.after_path(0)) == 0;
    const LastLink last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::keep : LastLink::follow;
    const UniqueFd file = by_descriptor ? request.tracee().descriptor(request.directory())
                                        : target(request, process, last, (flags & AT_EMPTY_PATH) != 0);
    struct stat status = stat_of(file.get());
    owners_.adorn(file.get(), status);
    if (status.st_uid == process.user.file_system) return Answer::proceed();
    if (request.argument(next) != 0) refuse(EPERM);
    require(process, file.get(), W_OK);
    return Answer::proceed();
}

Answer Emulator::enter_directory(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.privileged()) return Answer::proceed();
    require(process, target(request, process, LastLink::follow, false).get(), X_OK);
    return Answer::proceed();
}

Answer Emulator::note_chroot(const Request& request) {
    if (!credentials_.of(request.tracee().id()).effective) refuse(EPERM);
    chrooted_ = true;
    return Answer::proceed();
}

}  // namespace gbuild::sandbox
