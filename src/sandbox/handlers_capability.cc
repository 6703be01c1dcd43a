// Capabilities of processes: those that the kernel knows, less what emulation has taken away.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

// Both words of the sets; version 1 has but the first.
struct CapabilitySets {
    __user_cap_header_struct header{};
    __user_cap_data_struct words[2]{};

    std::span<__user_cap_data_struct> used() {
        return std::span(words).first(header.version == _LINUX_CAPABILITY_VERSION_1 ? 1 : 2);
    }
    uint64_t permitted() const { return words[0].permitted | uint64_t{words[1].permitted} << 32; }
    uint64_t effective() const { return words[0].effective | uint64_t{words[1].effective} << 32; }
    void keep_only(const Credentials& process) {
        for (unsigned i = 0; i < 2; i++) {
            words[i].permitted &= static_cast<uint32_t>(process.permitted >> (32 * i));
            words[i].effective &= static_cast<uint32_t>(process.effective >> (32 * i));
        }
    }
};

// False where the kernel shall say what is wrong.
bool read_header(const Request& request, CapabilitySets& sets) {
    request.tracee().read(request.argument(0), std::as_writable_bytes(std::span(&sets.header, 1)));
    return sets.header.version == _LINUX_CAPABILITY_VERSION_1 || sets.header.version == _LINUX_CAPABILITY_VERSION_2 ||
           sets.header.version == _LINUX_CAPABILITY_VERSION_3;
}

CapabilitySets kernel_sets(pid_t process) {
    CapabilitySets sets;
    sets.header = {_LINUX_CAPABILITY_VERSION_3, process};
    if (::syscall(SYS_capget, &sets.header, sets.words) != 0) refuse(errno);
    return sets;
}

}  // namespace

Answer Emulator::get_capabilities(const Request& request) {
    CapabilitySets sets;
    if (!read_header(request, sets) || request.argument(1) == 0) return Answer::proceed();
    const pid_t id = sets.header.pid == 0 ? request.tracee().id() : sets.header.pid;
    const CredentialTable::Shared process = credentials_.of(id);
    if ((process->permitted & process->effective) == Credentials::all_capabilities) return Answer::proceed();
    const CapabilitySets real = kernel_sets(id);
    std::copy(std::begin(real.words), std::end(real.words), sets.words);
    sets.keep_only(*process);
    check_alive(request);
    request.tracee().write(request.argument(1), std::as_bytes(sets.used()));
    return Answer::result(0);
}

Answer Emulator::set_capabilities(const Request& request) {
    CapabilitySets sets;
    if (!read_header(request, sets)) return Answer::proceed();
    request.tracee().read(request.argument(1), std::as_writable_bytes(sets.used()));
    const CapabilitySets real = kernel_sets(request.tracee().id());
    if ((sets.permitted() & ~real.permitted()) != 0) return Answer::proceed();  // to be refused
    // Who wants all that it sees also keeps what the kernel does not give us.
    Credentials process = request.process();
    const bool all = sets.permitted() == (real.permitted() & process.permitted);
    const uint64_t permitted = all ? process.permitted : sets.permitted();
    const uint64_t effective = all && sets.effective() == sets.permitted() ? permitted : sets.effective();
    if (!process.set_capabilities(permitted, effective)) refuse(EPERM);
    if (process == request.process()) return Answer::proceed();
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::proceed();
}

Answer Emulator::keep_capabilities(const Request& request) {
    Credentials process = request.process();
    if (request.integer(0) == PR_GET_KEEPCAPS) return Answer::result(process.keep_capabilities ? 1 : 0);
    if (request.argument(1) > 1) refuse(EINVAL);
    process.keep_capabilities = request.argument(1) == 1;
    if (process == request.process()) return Answer::result(0);
    check_alive(request);
    credentials_.set(request.tracee().id(), process);
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
