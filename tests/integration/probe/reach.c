// Run inside a step: tries what a step must not reach, and prints a line for each thing that it reached. Its arguments
// are files of the machine that builds. The last line says how much was tried.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int tried;

static void attempt(int reached, const char *what, const char *on) {
    tried++;
    if (reached) printf("reached: %s %s\n", what, on);
}

// A call that is to fail with `error`, whatever its arguments: the filter knows it by its number.
static void refused(long result, int error, const char *name) {
    int found = result < 0 ? errno : 0;
    tried++;
    if (found != error) printf("reached: %s (%s)\n", name, result < 0 ? strerror(found) : "success");
}

static int readable_bytes(const char *path) {
    char bytes[64];
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    int size = fd < 0 ? -1 : (int)read(fd, bytes, sizeof bytes);
    close(fd);
    return size;
}

static int entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    for (struct dirent *entry = directory ? readdir(directory) : NULL; entry; entry = readdir(directory)) {
        count += entry->d_name[0] != '.';
    }
    if (directory) closedir(directory);
    return count;
}

static void descriptors(void) {
    char path[64];
    for (int fd = 3; fd < 1024; fd++) {
        snprintf(path, sizeof path, "%d", fd);
        attempt(fcntl(fd, F_GETFD) >= 0, "inherited descriptor", path);
    }
}

static int bind_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int result = bind(socket_fd, (struct sockaddr *)&address, sizeof address);
    close(socket_fd);
    return result;
}

// A link of another process's, and what may lie beyond it.
static void link_of(const char *at, char **files, int count) {
    char path[512];
    struct stat status;
    attempt(open(at, O_PATH) >= 0, "open by name", at);
    attempt(open(at, O_RDONLY | O_NONBLOCK) >= 0, "open to read", at);
    attempt(open(at, O_WRONLY | O_NONBLOCK) >= 0, "open to write", at);
    attempt(stat(at, &status) == 0, "stat", at);
    attempt(chown(at, 1, 1) == 0, "chown", at);
    attempt(chmod(at, 0777) == 0, "chmod", at);
    attempt(setxattr(at, "user.reached", "x", 1, 0) == 0, "setxattr", at);
    attempt(setxattr(at, "trusted.reached", "x", 1, 0) == 0, "setxattr trusted", at);
    attempt(truncate(at, 0) == 0, "truncate", at);
    attempt(utimensat(AT_FDCWD, at, NULL, 0) == 0, "utimensat", at);
    attempt(linkat(AT_FDCWD, at, AT_FDCWD, "/tmp/linked", AT_SYMLINK_FOLLOW) == 0, "link", at);
    attempt(chdir(at) == 0, "chdir", at);
    const char *ups[] = {"", "/..", "/../..", "/../../.."};
    for (size_t i = 0; i < sizeof ups / sizeof *ups; i++) {
        snprintf(path, sizeof path, "%s%s/reached", at, ups[i]);
        attempt(mkdir(path, 0777) == 0, "mkdir", path);
        attempt(symlink("x", path) == 0, "symlink", path);
        attempt(mknod(path, S_IFIFO | 0666, 0) == 0, "mkfifo", path);
        attempt(mknod(path, S_IFCHR | 0666, makedev(1, 3)) == 0, "mknod", path);
        attempt(open(path, O_CREAT | O_WRONLY, 0666) >= 0, "create", path);
        attempt(rename("/tmp/mine", path) == 0, "rename", path);
        attempt(link("/tmp/mine", path) == 0, "link", path);
        attempt(bind_to(path) == 0, "bind", path);
        for (int file = 0; file < count; file++) {
            snprintf(path, sizeof path, "%s%s%s", at, ups[i], files[file]);
            attempt(open(path, O_RDONLY) >= 0, "read", path);
            attempt(unlink(path) == 0, "unlink", path);
        }
    }
}

static void links_below(const char *process, char **files, int count) {
    char path[300];
    const char *names[] = {"cwd", "root", "exe", "ns/mnt", "ns/user", "ns/pid", "ns/net"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", process, names[i]);
        link_of(path, files, count);
    }
    for (int fd = 0; fd < 40; fd++) {
        snprintf(path, sizeof path, "%s/fd/%d", process, fd);
        link_of(path, files, count);
    }
    snprintf(path, sizeof path, "%s/map_files", process);
    attempt(entries(path) > 0, "list", path);
    const char *secrets[] = {"environ", "mem", "maps", "auxv", "syscall", "stack", "io"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        snprintf(path, sizeof path, "%s/%s", process, secrets[i]);
        attempt(readable_bytes(path) > 0, "read", path);
    }
    char line[256] = "";
    snprintf(path, sizeof path, "%s/cmdline", process);
    int fd = open(path, O_RDONLY), size = fd < 0 ? 0 : (int)read(fd, line, sizeof line - 1);
    for (int i = 0; i < size; i++) attempt(line[i] != 0, "read", path);
    close(fd);
    const char *knobs[] = {"oom_score_adj", "oom_adj", "autogroup", "timerslack_ns", "coredump_filter", "comm", "mem"};
    for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) {
        snprintf(path, sizeof path, "%s/%s", process, knobs[i]);
        fd = open(path, O_WRONLY);
        attempt(fd >= 0 && write(fd, "9", 1) == 1, "write", path);
        close(fd);
    }
}

static void process(pid_t id) {
    char name[32];
    snprintf(name, sizeof name, "%d", id);
    struct rlimit limit = {3, 3};
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    struct sched_param parameters = {0};
    siginfo_t info = {.si_code = SI_QUEUE};
    char byte;
    struct iovec own = {&byte, 1}, theirs = {(void *)0x400000, 1};
    unsigned attributes[14] = {48};
    attempt(prlimit(id, RLIMIT_NOFILE, &limit, NULL) == 0, "prlimit", name);
    attempt(setpriority(PRIO_PROCESS, (id_t)id, 9) == 0, "setpriority", name);
    attempt(sched_setaffinity(id, sizeof cpus, &cpus) == 0, "sched_setaffinity", name);
    attempt(sched_setscheduler(id, SCHED_IDLE, &parameters) == 0, "sched_setscheduler", name);
    attempt(sched_setparam(id, &parameters) == 0, "sched_setparam", name);
    attempt(syscall(SYS_sched_setattr, id, attributes, 0) == 0, "sched_setattr", name);
    attempt(syscall(SYS_ioprio_set, 1, id, 3 << 13) == 0, "ioprio_set", name);
    attempt(kill(id, SIGTERM) == 0, "kill", name);
    attempt(syscall(SYS_tkill, id, SIGSTOP) == 0, "tkill", name);
    attempt(syscall(SYS_tgkill, id, id, SIGKILL) == 0, "tgkill", name);
    attempt(syscall(SYS_rt_sigqueueinfo, id, SIGRTMAX, &info) == 0, "rt_sigqueueinfo", name);
    attempt(syscall(SYS_pidfd_open, id, 0) >= 0, "pidfd_open", name);
    attempt(process_vm_readv(id, &own, 1, &theirs, 1, 0) == 1, "process_vm_readv", name);
    attempt(ptrace(PTRACE_SEIZE, id, NULL, NULL) == 0, "ptrace", name);
    attempt(ptrace(PTRACE_ATTACH, id, NULL, NULL) == 0, "ptrace", name);
}

static void devices(void) {
    const int numbers[][2] = {{1, 1}, {1, 2}, {1, 4}, {1, 11}, {4, 0}, {5, 1}, {10, 229}, {10, 200}, {10, 232}, {10, 237}};
    const int blocks[][2] = {{7, 0}, {8, 0}, {43, 0}, {252, 0}, {253, 0}, {254, 0}, {259, 0}};
    char path[64];
    for (size_t i = 0; i < 17; i++) {
        const int *number = i < 10 ? numbers[i] : blocks[i - 10];
        snprintf(path, sizeof path, "/tmp/device-%zu", i);
        mknod(path, (i < 10 ? S_IFCHR : S_IFBLK) | 0666, makedev(number[0], number[1]));
        attempt(open(path, O_RDWR | O_NONBLOCK) >= 0, "device", path);
        attempt(readable_bytes(path) > 0, "device", path);
        unlink(path);
    }
}

static void mounts(void) {
    refused(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM, "mount");
    refused(mount("/", "/tmp", NULL, MS_BIND, NULL), EPERM, "mount --bind");
    refused(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM, "remount");
    const char *covered[] = {"/proc", "/proc/sys", "/proc/kcore", "/sys/firmware", "/dev", "/"};
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++) {
        refused(umount2(covered[i], MNT_DETACH), EPERM, "umount");
    }
    const int flags[] = {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, 0x02000000};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        refused(unshare(flags[i]), EPERM, "unshare");
        refused(syscall(SYS_clone, flags[i] | SIGCHLD, NULL, NULL, NULL, NULL), EPERM, "clone");
    }
    refused(setns(0, 0), EPERM, "setns");
    struct stat top, now;
    stat("/", &top);
    if (mkdir("/tmp/jail", 0755) == 0 && chroot("/tmp/jail") == 0) {
        for (int i = 0; i < 64; i++) {
            if (chdir("..") != 0) break;
        }
        stat(".", &now);
        attempt(top.st_dev != now.st_dev || top.st_ino != now.st_ino, "beyond the root directory by", "chroot");
        if (chroot(".") != 0) attempt(1, "no way back from", "chroot");
    }
    rmdir("/tmp/jail");
}

static void calls(void) {
    char memory[256] = {0};
    refused(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), ENOSYS, "keyctl");
    refused(syscall(SYS_add_key, "user", "x", "x", 1, KEY_SPEC_SESSION_KEYRING), ENOSYS, "add_key");
    refused(syscall(SYS_request_key, "user", "x", NULL, 0), ENOSYS, "request_key");
    refused(syscall(435, memory, 64), ENOSYS, "clone3");
    refused(syscall(500, 0), ENOSYS, "a call that is not known yet");
    const struct { const char *name; int number; } forbidden[] = {
        {"bpf", SYS_bpf}, {"userfaultfd", SYS_userfaultfd}, {"perf_event_open", SYS_perf_event_open},
        {"kexec_load", SYS_kexec_load}, {"kexec_file_load", SYS_kexec_file_load}, {"io_uring_setup", 425},
        {"io_uring_enter", 426}, {"io_uring_register", 427}, {"init_module", SYS_init_module},
        {"finit_module", SYS_finit_module}, {"delete_module", SYS_delete_module},
        {"open_by_handle_at", SYS_open_by_handle_at}, {"syslog", SYS_syslog}, {"reboot", SYS_reboot},
        {"swapon", SYS_swapon}, {"swapoff", SYS_swapoff}, {"acct", SYS_acct}, {"iopl", SYS_iopl},
        {"ioperm", SYS_ioperm}, {"settimeofday", SYS_settimeofday}, {"clock_settime", SYS_clock_settime},
        {"quotactl", SYS_quotactl}, {"fanotify_init", SYS_fanotify_init}, {"pivot_root", SYS_pivot_root},
        {"open_tree", 428}, {"move_mount", 429}, {"fsopen", 430}, {"fsconfig", 431}, {"fsmount", 432},
        {"fspick", 433}, {"mount_setattr", 442}, {"pidfd_getfd", 438}, {"process_madvise", 440}, {"kcmp", SYS_kcmp},
        {"sethostname", SYS_sethostname}, {"setdomainname", SYS_setdomainname}, {"vhangup", SYS_vhangup},
        {"mbind", SYS_mbind}, {"set_mempolicy", SYS_set_mempolicy}, {"move_pages", SYS_move_pages},
        {"lookup_dcookie", SYS_lookup_dcookie}, {"uselib", SYS_uselib}, {"ustat", SYS_ustat}, {"sysfs", SYS_sysfs}};
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        refused(syscall(forbidden[i].number, 0, 0, 0, 0, 0), EPERM, forbidden[i].name);
    }
    refused(syscall(SYS_personality, 0x0040000), EPERM, "personality");
    refused(socket(40, SOCK_STREAM, 0), EPERM, "socket(AF_VSOCK)");
    refused(setpriority(PRIO_USER, 0, 9), EPERM, "setpriority of a user");
    refused(syscall(0x40000000 | SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), ENOSYS, "x32 keyctl");
    refused(syscall(0x40000000 | SYS_bpf, 0, 0, 0), EPERM, "x32 bpf");
    refused(syscall(0x40000000 | 528, 0, 0, 0, 0), EPERM, "x32 kexec_load");
}

#ifdef __x86_64__
static long i386(long number, long first) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(0L), "d"(0L), "S"(0L) : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

// Kernels can be without these calls: then whoever tries is killed.
static void calls_of_i386(void) {
    const struct { const char *name; int number, error; } all[] = {
        {"i386 keyctl", 288, ENOSYS}, {"i386 add_key", 286, ENOSYS}, {"i386 request_key", 287, ENOSYS}, {"i386 bpf", 357, EPERM},
        {"i386 mount", 21, EPERM},    {"i386 unshare", 310, EPERM},  {"i386 kexec_load", 283, EPERM},   {"i386 init_module", 128, EPERM},
        {"i386 io_uring_setup", 425, EPERM}, {"i386 userfaultfd", 374, EPERM}, {"i386 kill", 37, EPERM}, {"i386 iopl", 110, EPERM}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fflush(stdout);
        if (fork() != 0) {
            wait(NULL);
            continue;
        }
        long result = i386(all[i].number, 1);
        if (result != -all[i].error) printf("reached: %s (%ld)\n", all[i].name, result);
        fflush(stdout);
        _exit(0);
    }
    tried += sizeof all / sizeof *all;
}
#endif

static void masks(void) {
    const char *files[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/timer_stats", "/proc/latency_stats",
                           "/proc/sched_debug", "/proc/interrupts"};
    const char *directories[] = {"/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware", "/sys/devices/virtual/powercap"};
    const char *written[] = {"/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory",
                             "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_seqnum", "/sys/power/state", "/sys/kernel/mm/ksm/run"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) attempt(readable_bytes(files[i]) > 0, "read", files[i]);
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) attempt(entries(directories[i]) > 0, "list", directories[i]);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) attempt(open(written[i], O_WRONLY) >= 0, "write", written[i]);
    attempt(chmod("/dev/null", 0666) == 0 && chown("/dev/null", 7, 7) == 0 && chown("/dev/null", 0, 0) != 0, "own", "/dev/null");
}

int main(int count, char **files) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    descriptors();
    struct rlimit many = {4096, 4096};
    setrlimit(RLIMIT_NOFILE, &many);
    close(open("/tmp/mine", O_CREAT | O_WRONLY, 0666));
    for (int file = 1; file < count; file++) attempt(open(files[file], O_RDONLY) >= 0, "read", files[file]);
    links_below("/proc/1", files + 1, count - 1);
    links_below("/proc/self/../1", files + 1, count - 1);
    process(1);
    DIR *tasks = opendir("/proc/1/task");
    for (struct dirent *task = tasks ? readdir(tasks) : NULL; task; task = readdir(tasks)) {
        if (atoi(task->d_name) <= 1) continue;
        char path[64];
        snprintf(path, sizeof path, "/proc/1/task/%d", atoi(task->d_name));
        links_below(path, files + 1, count - 1);
        process(atoi(task->d_name));
    }
    devices();
    mounts();
    calls();
#ifdef __x86_64__
    calls_of_i386();
#endif
    masks();
    unlink("/tmp/mine");
    printf("tried: %d\n", tried);
    return 0;
}
