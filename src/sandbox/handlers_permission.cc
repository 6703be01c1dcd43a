// What is done to a file if permissions, decided here, allow it: to the file that was found.
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

using Times = std::array<timespec, 2>;

// Seconds and parts of them, twice; of the calls with microseconds, or with seconds alone.
template <class Number>
Times read_times(const Request& request, uint64_t address, long nanoseconds_each) {
    std::array<Number, 4> values{};
    request.tracee().read(address, std::as_writable_bytes(std::span(values)));
    Times times{};
    for (size_t i = 0; i < 2; i++) {
        times[i].tv_sec = values[2 * i];
        times[i].tv_nsec = static_cast<long>(values[2 * i + 1]) * nanoseconds_each;
    }
    return times;
}

template <class Number>
Times read_seconds(const Request& request, uint64_t address) {
    std::array<Number, 2> values{};
    request.tracee().read(address, std::as_writable_bytes(std::span(values)));
    return {timespec{values[0], 0}, timespec{values[1], 0}};
}

Times times_of(const Request& request) {
    constexpr Times now = {timespec{0, UTIME_NOW}, timespec{0, UTIME_NOW}};
    const uint64_t address = request.argument(request.after_path(1));
    if (address == 0) return now;
    const bool narrow = request.abi() == Abi::i386;
    if (request.name() == "utime") {
        return narrow ? read_seconds<int32_t>(request, address) : read_seconds<int64_t>(request, address);
    }
    if (request.name() == "utimensat_time64") return read_times<int64_t>(request, address, 1);
    const bool micro = request.name() != "utimensat";
    const Times times = narrow ? read_times<int32_t>(request, address, micro ? 1000 : 1)
                               : read_times<int64_t>(request, address, micro ? 1000 : 1);
    for (const timespec& time : times) {
        if (micro && (time.tv_nsec < 0 || time.tv_nsec >= 1'000'000'000)) refuse(EINVAL);
    }
    return times;
}

bool are_all(const Times& times, long order) { return times[0].tv_nsec == order && times[1].tv_nsec == order; }

}  // namespace

Answer Emulator::change_mode(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const UniqueFd file = target(request, process, LastLink::follow, false);
    if (request.call() == Call::fchmod && request.tracee().only_names_file(request.directory())) refuse(EBADF);
    require_owner(process, file.get());
    auto mode = static_cast<mode_t>(request.argument(request.has_path() ? request.after_path(1) : 1)) & 07777;
    struct stat status = stat_of(file.get());
    owners_.adorn(file.get(), status);
    // The group's rights are its members' to give.
    if (!process.in_group(status.st_gid) && !process.capable(CAP_FSETID)) mode &= ~static_cast<mode_t>(S_ISGID);
    check_alive(request);
    if (::chmod(descriptor_path(file.get()).c_str(), mode) != 0) refuse(errno);
    return Answer::result(0);
}

Answer Emulator::truncate_file(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const UniqueFd file = target(request, process, LastLink::follow, false);
    require(process, file.get(), W_OK);
    auto length = static_cast<int64_t>(request.argument(1));
    if (request.abi() == Abi::i386) {
        length = static_cast<int32_t>(request.argument(1));
        if (request.name() == "truncate64") {
            length = static_cast<int64_t>(request.argument(1) | request.argument(2) << 32);
        }
    }
    check_alive(request);
    if (::truncate(descriptor_path(file.get()).c_str(), length) != 0) refuse(errno);
    return Answer::result(0);
}

// Anybody who may write may set a file's times to now; other times are its owner's to set.
Answer Emulator::change_times(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const Times times = times_of(request);
    if (are_all(times, UTIME_OMIT)) return Answer::result(0);
    const int flags = request.name().starts_with("utimensat") ? request.integer(3) : 0;
    const bool by_descriptor = request.directory() != AT_FDCWD && request.argument(request.after_path(0)) == 0;
    const LastLink last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::keep : LastLink::follow;
    const UniqueFd file = by_descriptor ? request.tracee().descriptor(request.directory())
                                        : target(request, process, last, (flags & AT_EMPTY_PATH) != 0);
    const bool to_now = are_all(times, UTIME_NOW);
    if (!to_now || !permits(process, file.get(), W_OK)) {
        try {
            require_owner(process, file.get());
        } catch (const CallError&) {
            refuse(to_now ? EACCES : EPERM);
        }
    }
    check_alive(request);
    if (::utimensat(AT_FDCWD, descriptor_path(file.get()).c_str(), times.data(), 0) != 0) refuse(errno);
    return Answer::result(0);
}

// Asks for the real ids, unless told otherwise.
Answer Emulator::may_access(const Request& request) {
    const bool extended = request.name() == "faccessat2";
    const int flags = extended ? request.integer(3) : 0;
    const int mask = request.integer(request.call() == Call::access ? 1 : 2);
    const Credentials& caller = request.process();
    const bool as_effective = (flags & AT_EACCESS) != 0;
    if (caller.unrestricted() && (as_effective || caller.user.real == 0)) return Answer::proceed();
    const Credentials process = as_effective ? caller : caller.as_real();
    if (process.unrestricted()) return Answer::proceed();
    const LastLink last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::keep : LastLink::follow;
    const UniqueFd file = target(request, process, last, (flags & AT_EMPTY_PATH) != 0);
    require(process, file.get(), mask);
    // What counts for root, too.
    if (last == LastLink::follow && ::access(descriptor_path(file.get()).c_str(), mask) != 0) refuse(errno);
    return Answer::result(0);
}

// The kernel walks once more; but where that leads, names are looked up with the permissions of the place.
Answer Emulator::enter_directory(const Request& request) {
    if (request.process().unrestricted()) return Answer::proceed();
    const UniqueFd directory = target(request, request.process(), LastLink::follow, false);
    if (!S_ISDIR(stat_of(directory.get()).st_mode)) refuse(ENOTDIR);
    require(request.process(), directory.get(), X_OK);
    return Answer::proceed();
}

// From here on paths are walked from where the process's root is.
Answer Emulator::change_root(const Request& request) {
    if (request.call() == Call::chroot && !request.process().capable(CAP_SYS_CHROOT)) refuse(EPERM);
    roots_vary_ = true;
    return Answer::proceed();
}

}  // namespace gbuild::sandbox
