// What the kernel does to a file if permissions, decided here, allow it.
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

enum class Times : uint8_t { now, given, kept };

// Nanoseconds that are no number but an order.
Times judge(int64_t access, int64_t modification) {
    if (access == UTIME_OMIT && modification == UTIME_OMIT) return Times::kept;
    if (access == UTIME_NOW && modification == UTIME_NOW) return Times::now;
    return Times::given;
}

template <class Number>
Times read_times(const Request& request, uint64_t address) {
    std::array<Number, 4> values{};  // seconds, nanoseconds, twice
    request.tracee().read(address, std::as_writable_bytes(std::span(values)));
    return judge(values[1], values[3]);
}

Times times_of(const Request& request) {
    const uint64_t address = request.argument(request.after_path(1));
    if (address == 0) return Times::now;
    if (!request.name().starts_with("utimensat")) return Times::given;
    const bool narrow = request.abi() == Abi::i386 && request.name() == "utimensat";
    return narrow ? read_times<int32_t>(request, address) : read_times<int64_t>(request, address);
}

}  // namespace

Answer Emulator::change_mode(const Request& request) {
    if (request.process().unrestricted()) return Answer::proceed();
    require_owner(request.process(), target(request, request.process(), LastLink::follow, false).get());
    return Answer::proceed();
}

Answer Emulator::truncate_file(const Request& request) {
    if (request.process().unrestricted()) return Answer::proceed();
    require(request.process(), target(request, request.process(), LastLink::follow, false).get(), W_OK);
    return Answer::proceed();
}

// Anybody who may write may set a file's times to now; other times are its owner's to set.
Answer Emulator::change_times(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const Times times = times_of(request);
    if (times == Times::kept) return Answer::proceed();
    const int flags = request.name().starts_with("utimensat") ? request.integer(3) : 0;
    const bool by_descriptor = request.directory() != AT_FDCWD && request.argument(request.after_path(0)) == 0;
    const LastLink last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::keep : LastLink::follow;
    const UniqueFd file = by_descriptor ? request.tracee().descriptor(request.directory())
                                        : target(request, process, last, (flags & AT_EMPTY_PATH) != 0);
    if (times == Times::now && permits(process, file.get(), W_OK)) return Answer::proceed();
    try {
        require_owner(process, file.get());
    } catch (const CallError&) {
        refuse(times == Times::now ? EACCES : EPERM);
    }
    return Answer::proceed();
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
    return Answer::proceed();
}

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
