// The seccomp filter: which calls go to the supervisor.
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/sandbox/emulation.h"
#include "syscalls.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace gbuild::sandbox {

namespace {

using Context = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

void check(int result, std::string_view what) {
    if (result < 0) throw system_error(-result, fmt::format("cannot set up a seccomp filter ({})", what));
}

// Conditions on an argument; the library's own macros are C. An int's upper half in the register means nothing.
scmp_arg_cmp is(unsigned argument, uint32_t value) { return {argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value}; }
scmp_arg_cmp has(unsigned argument, uint64_t mask, uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// Not there, as far as the emulated processes can tell: what would get past the filter. All but the first are newer
// than anybody can rely on, and each has a predecessor that is watched. The numbers are the same for all interfaces;
// the library may be older than the calls.
constexpr uint32_t missing_calls[] = {
    425,                 // io_uring_setup: its requests pass no filter
    452,                 // fchmodat2
    463, 464, 465, 466,  // setxattrat, getxattrat, listxattrat, removexattrat
    469,                 // file_setattr
};

using Program = std::vector<sock_filter>;

Program refuse_missing_calls() {
    Program program = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_ALU | BPF_AND | BPF_K, 0, 0, ~static_cast<uint32_t>(__X32_SYSCALL_BIT)},
    };
    for (uint32_t number : missing_calls) {
        program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number});
        program.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS});
    }
    return program;
}

class Rules {
  public:
    explicit Rules(const FilterOptions& options) : options_(options) {
        if (!context_) throw Error(ErrorKind::io, "cannot set up a seccomp filter");
        check(::seccomp_arch_add(context_.get(), SCMP_ARCH_X86), "i386");
        check(::seccomp_arch_add(context_.get(), SCMP_ARCH_X32), "x32");
        check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW), "other architectures");
        // A binary tree instead of a list: most calls are none of ours.
        check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimization");
        for (const Syscall& syscall : watched_syscalls()) add(syscall);
        // A handle is a file without a path; as in any container.
        if (options_.emulation == Emulation::ownership) {
            const int number = ::seccomp_syscall_resolve_name("open_by_handle_at");
            check(::seccomp_rule_add(context_.get(), SCMP_ACT_ERRNO(EPERM), number, 0), "open_by_handle_at");
        }
    }

    Program program() const {
        const UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
        if (!file) throw_errno("cannot create a file in memory");
        check(::seccomp_export_bpf(context_.get(), file.get()), "export");
        Program rules(file_size(file.get()) / sizeof(sock_filter));
        pread_exact(file.get(), std::as_writable_bytes(std::span(rules)), 0, "the filter");
        Program program;
        if (options_.emulation == Emulation::ownership) program = refuse_missing_calls();
        program.insert(program.end(), rules.begin(), rules.end());
        return program;
    }

  private:
    void add(const Syscall& syscall) {
        if (options_.emulation == Emulation::devices && !syscall.devices) return;
        const int number = ::seccomp_syscall_resolve_name(syscall.name);
        if (number == __NR_SCMP_ERROR) return;  // newer than the library
        switch (syscall.call) {
        case Call::open: return add_open(number, syscall.directory < 0 ? 1 : 2);
        case Call::keepcaps: notify(number, {is(0, PR_SET_KEEPCAPS)}); return notify(number, {is(0, PR_GET_KEEPCAPS)});
        case Call::limit:
            return notify(number, {is(std::string_view(syscall.name) == "prlimit64" ? 1 : 0, RLIMIT_RTTIME)});
        case Call::peercred: return notify(number, {is(1, SOL_SOCKET), is(2, SO_PEERCRED)});
        case Call::socketcall: notify(number, {is(0, SYS_GETSOCKOPT)}); return notify(number, {is(0, SYS_BIND)});
        case Call::new_root: return add_new_root(number, syscall.name);
        default: return notify(number, {});
        }
    }

    // Of what makes namespaces, that which makes one of mounts.
    void add_new_root(int number, std::string_view name) {
        const bool with_flags = name == "unshare" || name == "clone";
        if (!with_flags) return notify(number, {});
        notify(number, {has(0, CLONE_NEWNS, CLONE_NEWNS)});
    }

    // Files that are only read are the most. A descriptor that only names a file is anybody's.
    void add_open(int number, unsigned flags) {
        if (options_.check_reads) return notify(number, {has(flags, O_PATH, 0)});
        notify(number, {has(flags, O_CREAT, O_CREAT)});
        notify(number, {has(flags, O_TRUNC, O_TRUNC)});
        notify(number, {has(flags, O_ACCMODE, O_WRONLY)});
        notify(number, {has(flags, O_ACCMODE, O_RDWR)});
    }

    void notify(int number, std::vector<scmp_arg_cmp> conditions) {
        const int result = ::seccomp_rule_add_array(context_.get(), SCMP_ACT_NOTIFY, number,
                                                    static_cast<unsigned>(conditions.size()), conditions.data());
        // A call of one interface that the library does not know of the others is no trouble.
        if (result != -EDOM && result != -EOPNOTSUPP) check(result, std::to_string(number));
    }

    const FilterOptions& options_;
    Context context_{::seccomp_init(SCMP_ACT_ALLOW), ::seccomp_release};
};

int install(const sock_fprog& program, unsigned long flags) {
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

}  // namespace

UniqueFd install_filter(const FilterOptions& options) {
    Program instructions = Rules(options).program();
    const sock_fprog program{static_cast<unsigned short>(instructions.size()), instructions.data()};
    // Without "killable" (Linux 5.19) a signal interrupts a call that is being answered, and it is made again.
    int listener = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    if (listener < 0 && errno == EINVAL) listener = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener >= 0) return UniqueFd(listener);
    if (errno == ENOSYS || errno == EINVAL) {
        throw Error(ErrorKind::unsupported, "this kernel cannot hand system calls to another process")
            .hint("it needs CONFIG_SECCOMP_FILTER and Linux 5.11 or newer");
    }
    if (errno == EBUSY) {
        throw Error(ErrorKind::unsupported, "somebody else answers this process's system calls already");
    }
    throw_errno("cannot install a seccomp filter with a listener");
}

}  // namespace gbuild::sandbox
