// The seccomp filter: which calls go to the supervisor.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
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

// Conditions on an argument; the library's own macros are C.
scmp_arg_cmp is(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp has(unsigned argument, uint64_t mask, uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
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
        // Its requests pass no filter.
        if (options_.emulation == Emulation::ownership) {
            const int number = ::seccomp_syscall_resolve_name("io_uring_setup");
            check(::seccomp_rule_add(context_.get(), SCMP_ACT_ERRNO(ENOSYS), number, 0), "io_uring_setup");
        }
    }

    std::vector<sock_filter> program() const {
        const UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
        if (!file) throw_errno("cannot create a file in memory");
        check(::seccomp_export_bpf(context_.get(), file.get()), "export");
        std::vector<sock_filter> program(file_size(file.get()) / sizeof(sock_filter));
        pread_exact(file.get(), std::as_writable_bytes(std::span(program)), 0, "the filter");
        return program;
    }

  private:
    void add(const Syscall& syscall) {
        if (options_.emulation == Emulation::devices && !syscall.devices) return;
        const int number = ::seccomp_syscall_resolve_name(syscall.name);
        if (number == __NR_SCMP_ERROR) return;  // newer than the library
        switch (syscall.call) {
        case Call::open: return add_open(number, syscall.directory < 0 ? 1 : 2);
        case Call::keepcaps: return notify(number, {is(0, PR_SET_KEEPCAPS)});
        case Call::limit:
            return notify(number, {is(std::string_view(syscall.name) == "prlimit64" ? 1 : 0, RLIMIT_RTTIME)});
        case Call::peercred: return notify(number, {is(1, SOL_SOCKET), is(2, SO_PEERCRED)});
        default: return notify(number, {});
        }
    }

    // Files that are only read are the most.
    void add_open(int number, unsigned flags) {
        if (options_.check_reads) return notify(number, {});
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
    std::vector<sock_filter> instructions = Rules(options).program();
    const sock_fprog program{static_cast<unsigned short>(instructions.size()), instructions.data()};
    // Without "killable" (Linux 5.19) a signal interrupts a call that is being answered, and it is made again.
    int listener = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    if (listener < 0 && errno == EINVAL) listener = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener < 0) throw_errno("cannot install a seccomp filter with a listener");
    return UniqueFd(listener);
}

}  // namespace gbuild::sandbox
