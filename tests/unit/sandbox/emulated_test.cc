#include "emulated.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild::test {

namespace {

constexpr int no_namespaces = 77;

class Scratch {
  public:
    Scratch() {
        std::string pattern = std::filesystem::temp_directory_path() / "gbuild-emulation-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw_errno("mkdtemp");
        path_ = pattern;
        ::chmod(path_.c_str(), 0755);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

bool write_to(const char* path, const std::string& text) {
    UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// False, with errno, where that is not to be had.
bool enter_namespaces() {
    std::string uid = fmt::format("0 {} 1", ::getuid()), gid = fmt::format("0 {} 1", ::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) != 0) return false;
    return write_to("/proc/self/setgroups", "deny") && write_to("/proc/self/uid_map", uid) &&
           write_to("/proc/self/gid_map", gid);
}

void send_descriptor(int socket, int fd) {
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (::sendmsg(socket, &message, 0) < 0) throw_errno("sendmsg");
}

UniqueFd receive_descriptor(int socket) {
    char byte;
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 || CMSG_FIRSTHDR(&message) == nullptr) {
        throw Error(ErrorKind::io, "no listener came");
    }
    int fd;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return UniqueFd(fd);
}

[[noreturn]] void run_tracee(int socket, const Report& report, const std::function<void(const Report&)>& body,
                             const EmulatedOptions& options) {
    try {
        UniqueFd listener = sandbox::install_filter(options.filter);
        send_descriptor(socket, listener.get());
        listener.reset();
        char go;
        if (::read(socket, &go, 1) != 1) ::_exit(1);
        ::close(socket);
        body(report);
    } catch (const std::exception& error) {
        report.equal(error.what(), "", "an exception in the emulated process", 0);
    }
    ::_exit(0);
}

// PID 1 of the namespaces.
void supervise(const Report& report, const std::function<void(const Report&)>& body, const EmulatedOptions& options) {
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) throw_errno("cannot make mounts private");
    if (::mount("proc", "/proc", "proc", 0, nullptr) != 0) throw_errno("cannot mount procfs");
    if (options.before) options.before(report);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair");
    UniqueFd ours(ends[0]), theirs(ends[1]);
    pid_t tracee = ::fork();
    if (tracee < 0) throw_errno("fork");
    if (tracee == 0) {
        ours.reset();
        run_tracee(theirs.release(), report, body, options);
    }
    theirs.reset();
    UniqueFd proc = open_file("/proc", O_PATH | O_DIRECTORY);
    sandbox::Supervisor supervisor(receive_descriptor(ours.get()), proc.get(),
                                   {options.filter.emulation, options.threads, options.known});
    const auto& identity = options.identity;
    if (identity.uid != 0 || identity.gid != 0 || !identity.groups.empty()) {
        supervisor.set_identity(tracee, identity);
    }
    write_all(ours.get(), "x");
    int status = 0;
    while (::waitpid(tracee, &status, 0) < 0 && errno == EINTR) {
    }
    report.equal(text(status), "0", "the emulated process's status", 0);
    ::kill(-1, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    if (options.after) options.after(report, supervisor.finish());
}

int run_in_namespaces(int out, const std::string& scratch, const std::function<void(const Report&)>& body,
                      const EmulatedOptions& options) {
    Report report(out);
    if (!enter_namespaces()) return no_namespaces;
    pid_t init = ::fork();
    if (init == 0) {
        try {
            if (::chdir(scratch.c_str()) != 0) throw_errno("chdir");
            ::umask(022);
            supervise(report, body, options);
        } catch (const std::exception& error) {
            report.equal(error.what(), "", "an exception in the supervisor", 0);
        }
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(init, &status, 0);
    report.equal(text(status), "0", "the supervisor's status", 0);
    return 0;
}

std::string show(const struct stat& st) { return fmt::format("{}:{}", st.st_uid, st.st_gid); }

}  // namespace

void Report::equal(const std::string& found, const std::string& expected, const char* what, int line) const {
    if (found != expected) write_all(fd_, fmt::format("{}: {} is {}, not {}\n", line, what, found, expected));
}

std::string outcome(long result) { return result < 0 ? ::strerrorname_np(errno) : fmt::format("{}", result); }

std::string owner(const std::string& path) {
    struct stat st;
    return ::stat(path.c_str(), &st) == 0 ? show(st) : outcome(-1);
}

std::string own_owner(const std::string& path) {
    struct stat st;
    return ::lstat(path.c_str(), &st) == 0 ? show(st) : outcome(-1);
}

std::string owner_and_mode(const std::string& path) {
    struct stat st;
    return ::lstat(path.c_str(), &st) == 0 ? fmt::format("{} {:o}", show(st), st.st_mode & 07777) : outcome(-1);
}

std::string owner(int fd) {
    struct stat st;
    return ::fstat(fd, &st) == 0 ? show(st) : outcome(-1);
}

std::string identity() {
    uid_t uid[3];
    gid_t gid[3];
    if (::getresuid(&uid[0], &uid[1], &uid[2]) != 0 || ::getresgid(&gid[0], &gid[1], &gid[2]) != 0) return outcome(-1);
    return fmt::format("{} {} {} / {} {} {}", uid[0], uid[1], uid[2], gid[0], gid[1], gid[2]);
}

void write_file(const std::string& path, const std::string& text, mode_t mode) {
    UniqueFd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    write_all(fd.get(), text);
}

void become(uint32_t uid, uint32_t gid) {
    bool done = ::setgroups(0, nullptr) == 0 && ::setgid(gid) == 0 && ::setuid(uid) == 0;
    if (!done) throw_errno("cannot become somebody else");
}

bool in_child(const std::function<bool()>& body) {
    pid_t child = ::fork();
    if (child == 0) {
        bool good = false;
        try {
            good = body();
        } catch (...) {
        }
        ::_exit(good ? 0 : 1);
    }
    int status = -1;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0;
}

std::string run_emulated(const std::function<void(const Report&)>& body, const EmulatedOptions& options) {
    Scratch scratch;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe");
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    pid_t child = ::fork();
    if (child < 0) throw_errno("fork");
    if (child == 0) {
        read_end.reset();
        ::_exit(run_in_namespaces(write_end.get(), scratch.path(), body, options));
    }
    write_end.reset();
    std::string found = read_text(read_end.get(), 1 << 20, "a report");
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == no_namespaces) {
        WARN("skipped: no user namespaces here");
        return "";
    }
    return status == 0 ? found : found + fmt::format("status {}\n", status);
}

}  // namespace gbuild::test
