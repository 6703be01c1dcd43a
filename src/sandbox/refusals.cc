#include "refusals.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>

#include "stage.h"

namespace gbuild::sandbox {

namespace {

// Most of them fail anyway without capabilities that a step does not have. What a kernel has behind them by mistake is
// then out of reach, too.
constexpr const char* forbidden[] = {
    "_sysctl",
    "acct",
    "bpf",
    "clock_settime",
    "clock_settime64",
    "create_module",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "get_kernel_syms",
    "get_mempolicy",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "lookup_dcookie",
    "mbind",
    "migrate_pages",
    "mount",
    "move_pages",
    "nfsservctl",
    "open_by_handle_at",
    "perf_event_open",
    "pivot_root",
    "query_module",
    "quotactl",
    "reboot",
    "set_mempolicy",
    "setdomainname",
    "sethostname",
    "setns",
    "settimeofday",
    "stime",
    "swapoff",
    "swapon",
    "sysfs",
    "syslog",
    "umount",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "ustat",
    "vhangup",
    "vm86",
    "vm86old",
};

// Calls whose names a library may be too old to know. The numbers are the same for all interfaces.
constexpr uint32_t forbidden_numbers[] = {
    425, 426, 427,                 // io_uring_setup, io_uring_enter, io_uring_register: their requests pass no filter
    428, 429, 430, 431, 432, 433,  // open_tree, move_mount, fsopen, fsconfig, fsmount, fspick
    438, 440, 442, 443, 450, 467,  // pidfd_getfd, process_madvise, mount_setattr, quotactl_fd,
                                   // set_mempolicy_home_node, open_tree_attr
};

// As if the kernel had no such thing: keys are their user's, and clone3's flags are not for a filter to see.
constexpr const char* missing[] = {"add_key", "keyctl", "request_key"};
constexpr uint32_t clone3_number = 435;
constexpr uint32_t first_unknown = 470, end_of_unknown = 512;  // from there on x32 has calls of its own

constexpr uint32_t namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr uint32_t personalities[] = {0, 8, 0x20000, 0x20008, UINT32_MAX};  // harmless ones, and the question

// Their first argument is a process.
constexpr const char* about_process[] = {"kill",
                                         "pidfd_open",
                                         "prlimit64",
                                         "rt_sigqueueinfo",
                                         "rt_tgsigqueueinfo",
                                         "sched_setaffinity",
                                         "sched_setattr",
                                         "sched_setparam",
                                         "sched_setscheduler",
                                         "tgkill",
                                         "tkill"};

// Their first argument says what their second is.
struct AboutSome {
    const char* name;
    uint32_t process, user;
};
constexpr AboutSome about_some[] = {{"setpriority", PRIO_PROCESS, PRIO_USER}, {"ioprio_set", 1, 3}};

constexpr int x32_bit = 1 << 30;

// The part of a filter for one architecture. The kernel finds out by itself which calls it always permits, and does not
// run it for those; so what it takes for the others need not be fast.
class Part {
  public:
    explicit Part(std::vector<uint32_t> interfaces) : interfaces_(std::move(interfaces)) {
        add({BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)});
        if (interfaces_.size() > 1) add({BPF_ALU | BPF_AND | BPF_K, 0, 0, ~static_cast<uint32_t>(x32_bit)});
    }

    void refuse(const char* name, uint32_t error) {
        for (uint32_t number : numbers(name)) refuse(number, error);
    }
    void refuse(uint32_t number, uint32_t error) {
        add({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number});
        add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error});
    }
    void refuse_range(uint32_t first, uint32_t end, uint32_t error) {
        add({BPF_JMP | BPF_JGE | BPF_K, 0, 2, first});
        add({BPF_JMP | BPF_JGE | BPF_K, 1, 0, end});
        add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error});
    }

    // `decide` adds what makes up the rest of the verdict; who comes to its end is permitted.
    template <class Decide>
    void judge(const char* name, Decide&& decide) {
        for (uint32_t number : numbers(name)) {
            const size_t at = program_.size();
            add({BPF_JMP | BPF_JEQ | BPF_K, 0, 0, number});
            decide();
            permit();
            program_[at].jf = static_cast<uint8_t>(program_.size() - at - 1);
        }
    }
    // An int's upper half in the register means nothing.
    void load_argument(unsigned number) {
        add({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offsetof(seccomp_data, args) + size_t{number} * 8)});
    }
    void refuse_value(uint32_t value) { refuse(value, EPERM); }
    void refuse_bits(uint32_t bits) {
        add({BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits});
        refuse_rest();
    }
    void permit_value(uint32_t value) {
        add({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value});
        permit();
    }
    void permit_other_than(uint32_t value) {
        add({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value});
        permit();
    }
    void refuse_rest() { add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM}); }
    void permit() { add({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}); }

    const std::vector<sock_filter>& program() const { return program_; }

  private:
    void add(sock_filter instruction) { program_.push_back(instruction); }

    std::set<uint32_t> numbers(const char* name) const {
        std::set<uint32_t> found;
        for (uint32_t interface : interfaces_) {
            const int number = ::seccomp_syscall_resolve_name_arch(interface, name);
            if (number >= 0) found.insert(static_cast<uint32_t>(number & ~x32_bit));
        }
        return found;
    }

    std::vector<uint32_t> interfaces_;
    std::vector<sock_filter> program_;
};

void judge_processes(Part& part, const std::vector<pid_t>& out_of_reach) {
    auto refuse_them = [&] {
        for (pid_t process : out_of_reach) part.refuse_value(static_cast<uint32_t>(process));
    };
    for (const char* name : about_process) {
        part.judge(name, [&] {
            part.load_argument(0);
            refuse_them();
        });
    }
    for (const AboutSome& call : about_some) {
        part.judge(call.name, [&] {
            part.load_argument(0);
            part.refuse_value(call.user);  // the supervisor's as well
            part.permit_other_than(call.process);
            part.load_argument(1);
            refuse_them();
        });
    }
}

std::vector<sock_filter> part_for(std::vector<uint32_t> interfaces, const std::vector<pid_t>& out_of_reach) {
    Part part(std::move(interfaces));
    for (const char* name : forbidden) part.refuse(name, EPERM);
    for (uint32_t number : forbidden_numbers) part.refuse(number, EPERM);
    for (const char* name : missing) part.refuse(name, ENOSYS);
    part.refuse(clone3_number, ENOSYS);
    part.refuse_range(first_unknown, end_of_unknown, ENOSYS);
    part.judge("clone", [&] {
        part.load_argument(0);
        part.refuse_bits(namespaces);
    });
    part.judge("personality", [&] {
        part.load_argument(0);
        for (uint32_t value : personalities) part.permit_value(value);
        part.refuse_rest();
    });
    part.judge("socket", [&] {
        part.load_argument(0);
        part.refuse_value(AF_VSOCK);  // to the machine that a virtual one runs on
    });
    judge_processes(part, out_of_reach);
    part.permit();
    return part.program();
}

void append(std::vector<sock_filter>& program, const std::vector<sock_filter>& more) {
    program.insert(program.end(), more.begin(), more.end());
}

}  // namespace

void refuse_calls(const std::vector<pid_t>& out_of_reach) {
    const auto native = part_for({SCMP_ARCH_X86_64, SCMP_ARCH_X32}, out_of_reach);
    const auto narrow = part_for({SCMP_ARCH_X86}, out_of_reach);
    std::vector<sock_filter> program = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, arch)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AUDIT_ARCH_I386},
        {BPF_JMP | BPF_JA, 0, 0, static_cast<uint32_t>(native.size() + 2)},
        {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    append(program, native);
    append(program, narrow);
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    check_stage(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp(refused calls)");
}

}  // namespace gbuild::sandbox
