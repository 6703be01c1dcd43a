// Ids of processes, and what they decide between processes.
#include <linux/capability.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "emulator.h"
#include "status_layout.h"

namespace gbuild::sandbox {

namespace {

constexpr uint32_t most_groups = 65536;       // NGROUPS_MAX
constexpr uint32_t old_infinity = INT32_MAX;  // of i386's getrlimit(2)

bool concerns_group(Call call) {
    return call == Call::setgid || call == Call::setregid || call == Call::setresgid || call == Call::setfsgid ||
           call == Call::getgid || call == Call::getegid || call == Call::getresgid;
}

IdSet Credentials::*ids_of(Call call) { return concerns_group(call) ? &Credentials::group : &Credentials::user; }

uint32_t narrowed(const Request& request, uint32_t id) { return request.narrow() ? narrow_id(id) : id; }

template <class T>
void write_value(const Request& request, uint64_t address, T value) {
    request.tracee().write(address, std::as_bytes(std::span(&value, 1)));
}

// Group ids as wide as the interface has them.
std::vector<uint32_t> read_ids(const Request& request, uint64_t address, uint32_t count) {
    std::vector<uint32_t> ids(count);
    if (count == 0) return ids;
    if (!request.narrow()) {
        request.tracee().read(address, std::as_writable_bytes(std::span(ids)));
        return ids;
    }
    std::vector<uint16_t> narrow(count);
    request.tracee().read(address, std::as_writable_bytes(std::span(narrow)));
    std::copy(narrow.begin(), narrow.end(), ids.begin());
    return ids;
}

void write_ids(const Request& request, uint64_t address, const std::vector<uint32_t>& ids) {
    if (ids.empty()) return;
    if (!request.narrow()) return request.tracee().write(address, std::as_bytes(std::span(ids)));
    std::vector<uint16_t> narrow(ids.size());
    std::transform(ids.begin(), ids.end(), narrow.begin(),
                   [&](uint32_t id) { return static_cast<uint16_t>(narrowed(request, id)); });
    request.tracee().write(address, std::as_bytes(std::span(narrow)));
}

}  // namespace

Answer Emulator::set_ids(const Request& request) {
    Credentials process = request.process();
    const Call call = request.call();
    auto ids = ids_of(call);
    int64_t result = 0;
    bool allowed = true;
    switch (call) {
    case Call::setuid:
    case Call::setgid:
        if (request.user_or_group(0) == unchanged_id) refuse(EINVAL);
        allowed = process.set_ids(ids, request.user_or_group(0));
        break;
    case Call::setreuid:
    case Call::setregid:
        allowed = process.set_real_effective(ids, request.user_or_group(0), request.user_or_group(1));
        break;
    case Call::setresuid:
    case Call::setresgid:
        allowed = process.set_all(ids, request.user_or_group(0), request.user_or_group(1), request.user_or_group(2));
        break;
    default: result = process.set_file_system(ids, request.user_or_group(0));
    }
    if (!allowed) refuse(EPERM);
    if (process == request.process()) return Answer::result(result);
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::result(result);
}

Answer Emulator::set_groups(const Request& request) {
    Credentials process = request.process();
    if (!process.capable(CAP_SETGID)) refuse(EPERM);
    const auto count = static_cast<uint32_t>(request.argument(0));
    if (count > most_groups) refuse(EINVAL);
    process.groups = read_ids(request, request.argument(1), count);
    if (std::count(process.groups.begin(), process.groups.end(), unchanged_id) != 0) refuse(EINVAL);
    std::sort(process.groups.begin(), process.groups.end());  // as the kernel keeps and shows them
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::result(0);
}

Answer Emulator::get_id(const Request& request) {
    const Credentials& process = request.process();
    const IdSet& ids = process.*ids_of(request.call());
    const bool real = request.call() == Call::getuid || request.call() == Call::getgid;
    return Answer::result(narrowed(request, real ? ids.real : ids.effective));
}

Answer Emulator::get_ids(const Request& request) {
    const Credentials& process = request.process();
    const IdSet& ids = process.*ids_of(request.call());
    const uint32_t values[3] = {ids.real, ids.effective, ids.saved};
    check_alive(request);
    for (int i = 0; i < 3; i++) {
        if (request.narrow()) {
            write_value(request, request.argument(i), static_cast<uint16_t>(narrowed(request, values[i])));
        } else {
            write_value(request, request.argument(i), values[i]);
        }
    }
    return Answer::result(0);
}

Answer Emulator::get_groups(const Request& request) {
    const Credentials& process = request.process();
    const int room = request.integer(0);
    const auto count = static_cast<int>(process.groups.size());
    if (room == 0) return Answer::result(count);
    if (room < count) refuse(EINVAL);
    check_alive(request);
    write_ids(request, request.argument(1), process.groups);
    return Answer::result(count);
}

// kill(2): whose process it is decides.
Answer Emulator::send_signal(const Request& request) {
    const Credentials& process = request.process();
    if (process.capable(CAP_KILL)) return Answer::proceed();
    const bool by_descriptor = request.name() == "pidfd_send_signal";
    const int receiver =
        by_descriptor ? request.tracee().process_behind(request.integer(0)).value_or(0) : request.integer(0);
    if (receiver <= 0) return Answer::proceed();
    const IdSet theirs = credentials_.of(receiver)->user;
    for (uint32_t own : {process.user.real, process.user.effective}) {
        if (own == theirs.real || own == theirs.saved) return Answer::proceed();
    }
    // What is not there at all is for the kernel to say.
    if (::kill(receiver, 0) != 0) return Answer::proceed();
    refuse(EPERM);
}

// The limit that says whose credentials these are is nobody's to see or change.
Answer Emulator::hide_limit(const Request& request) {
    const bool by_process = request.name() == "prlimit64";
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    const bool sets = request.name() == "setrlimit";
    const uint64_t to = sets ? 0 : request.argument(by_process ? 3 : 1);
    if (to == 0) return Answer::result(0);
    check_alive(request);
    if (request.abi() == Abi::i386 && !by_process) {
        const uint32_t infinity = request.name() == "getrlimit" ? old_infinity : UINT32_MAX;
        const uint32_t narrow[2] = {infinity, infinity};
        request.tracee().write(to, std::as_bytes(std::span(narrow)));
    } else {
        request.tracee().write(to, std::as_bytes(std::span(&none, 1)));
    }
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
