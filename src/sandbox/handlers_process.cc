// Credentials of processes.
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

constexpr uint32_t most_groups = 65536;  // NGROUPS_MAX

bool concerns_group(Call call) {
    return call == Call::setgid || call == Call::setregid || call == Call::setresgid || call == Call::setfsgid ||
           call == Call::getgid || call == Call::getegid || call == Call::getresgid;
}

IdSet Credentials::*ids_of(Call call) { return concerns_group(call) ? &Credentials::group : &Credentials::user; }

uint32_t narrowed(const Request& request, uint32_t id) {
    constexpr uint32_t overflow = 65534;
    return request.narrow() && id > UINT16_MAX ? overflow : id;
}

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

bool is_script(int file) {
    const UniqueFd opened(::open(descriptor_path(file).c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 2> start{};
    return opened && ::read(opened.get(), start.data(), start.size()) == 2 && start[0] == '#' && start[1] == '!';
}

}  // namespace

Answer Emulator::set_ids(const Request& request) {
    Credentials process = credentials_.of(request.tracee().id());
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
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::result(result);
}

Answer Emulator::set_groups(const Request& request) {
    Credentials process = credentials_.of(request.tracee().id());
    if (!process.effective) refuse(EPERM);
    const auto count = static_cast<uint32_t>(request.argument(0));
    if (count > most_groups) refuse(EINVAL);
    process.groups = read_ids(request, request.argument(1), count);
    std::sort(process.groups.begin(), process.groups.end());
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::result(0);
}

Answer Emulator::get_id(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    const IdSet& ids = process.*ids_of(request.call());
    const bool real = request.call() == Call::getuid || request.call() == Call::getgid;
    return Answer::result(narrowed(request, real ? ids.real : ids.effective));
}

Answer Emulator::get_ids(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
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
    const Credentials process = credentials_.of(request.tracee().id());
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
    const Credentials process = credentials_.of(request.tracee().id());
    const int receiver = request.integer(0);
    if (process.effective || receiver <= 0) return Answer::proceed();
    const IdSet theirs = credentials_.of(receiver).user;
    for (uint32_t own : {process.user.real, process.user.effective}) {
        if (own == theirs.real || own == theirs.saved) return Answer::proceed();
    }
    // What is not there at all is for the kernel to say.
    if (::kill(receiver, 0) != 0) return Answer::proceed();
    refuse(EPERM);
}

Answer Emulator::get_capabilities(const Request& request) {
    const Credentials process = credentials_.of(request.tracee().id());
    if (process.effective && process.permitted) return Answer::proceed();
    __user_cap_header_struct header{};
    request.tracee().read(request.argument(0), std::as_writable_bytes(std::span(&header, 1)));
    if (header.pid != 0 || header.version != _LINUX_CAPABILITY_VERSION_3) return Answer::proceed();
    header.pid = request.tracee().id();
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &header, data) != 0) refuse(errno);
    for (auto& half : data) {
        if (!process.effective) half.effective = 0;
        if (!process.permitted) half.permitted = 0;
    }
    check_alive(request);
    request.tracee().write(request.argument(1), std::as_bytes(std::span(data)));
    return Answer::result(0);
}

// Of the capabilities those that emulation stands for: with CAP_SETUID goes the lot.
Answer Emulator::set_capabilities(const Request& request) {
    Credentials process = credentials_.of(request.tracee().id());
    struct Data {
        uint32_t effective, permitted, inheritable;
    } data{};
    request.tracee().read(request.argument(1), std::as_writable_bytes(std::span(&data, 1)));
    constexpr uint32_t mask = (1u << CAP_SETUID) | (1u << CAP_SETGID) | (1u << CAP_CHOWN) | (1u << CAP_DAC_OVERRIDE);
    const bool effective = (data.effective & mask) != 0, permitted = (data.permitted & mask) != 0;
    if ((effective || permitted) && !process.permitted) refuse(EPERM);
    // The real ones go along as far as the kernel has them: what was given up by emulation alone is not there to give.
    if (process.user.effective != 0 && !process.permitted) return Answer::result(0);
    if (process.effective == effective && process.permitted == permitted) return Answer::proceed();
    process.effective = effective;
    process.permitted = permitted;
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::result(0);
}

Answer Emulator::keep_capabilities(const Request& request) {
    Credentials process = credentials_.of(request.tracee().id());
    process.keep_capabilities = request.argument(1) != 0;
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::proceed();
}

// A program with a set-id bit gives its process the owner that is recorded of it.
Answer Emulator::execute(const Request& request) {
    const Credentials before = credentials_.of(request.tracee().id());
    const bool by_descriptor = request.name() == "execveat";
    const int flags = by_descriptor ? request.integer(4) : 0;
    const LastLink last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::keep : LastLink::follow;
    const UniqueFd file = target(request, before, last, (flags & AT_EMPTY_PATH) != 0);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) refuse(errno);
    if (!S_ISREG(status.st_mode)) return Answer::proceed();  // the kernel knows the error
    require(before, file.get(), X_OK);
    Credentials after = before;
    const RecordedOwner owner = owners_.owner(file.get(), status);
    const bool set_ids = !request.tracee().has_no_new_privileges() && (status.st_mode & (S_ISUID | S_ISGID)) != 0 &&
                         !is_script(file.get());
    const bool set_group = set_ids && (status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    after.execute(set_ids && (status.st_mode & S_ISUID) != 0 ? std::optional(owner.uid) : std::nullopt,
                  set_group ? std::optional(owner.gid) : std::nullopt);
    if (after == before) return Answer::proceed();
    check_alive(request);
    credentials_.set(request.tracee().id(), after);
    return Answer::proceed();
}

// The limit that says whose credentials these are is nobody's to see or change.
Answer Emulator::hide_limit(const Request& request) {
    const bool by_process = request.name() == "prlimit64";
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    const bool sets = request.name() == "setrlimit";
    const uint64_t to = sets ? 0 : request.argument(by_process ? 3 : 1);
    if (to == 0) return Answer::result(0);
    if (request.abi() == Abi::i386 && !by_process) {
        const uint32_t narrow[2] = {UINT32_MAX, UINT32_MAX};
        request.tracee().write(to, std::as_bytes(std::span(narrow)));
    } else {
        request.tracee().write(to, std::as_bytes(std::span(&none, 1)));
    }
    return Answer::result(0);
}

// getsockopt(SO_PEERCRED).
Answer Emulator::peer_credentials(const Request& request) {
    if (request.abi() == Abi::i386) return Answer::proceed();
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, request.tracee().thread_group(), 0)));
    if (!process) return Answer::proceed();
    const UniqueFd socket(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), request.integer(0), 0)));
    if (!socket) return Answer::proceed();
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) {
        return Answer::proceed();
    }
    const Credentials theirs = credentials_.of(peer.pid);
    if (theirs == Credentials()) return Answer::proceed();
    peer.uid = theirs.user.effective;
    peer.gid = theirs.group.effective;
    socklen_t room = 0;
    request.tracee().read(request.argument(4), std::as_writable_bytes(std::span(&room, 1)));
    if (room < sizeof peer) return Answer::proceed();
    check_alive(request);
    write_value(request, request.argument(3), peer);
    write_value(request, request.argument(4), static_cast<socklen_t>(sizeof peer));
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
