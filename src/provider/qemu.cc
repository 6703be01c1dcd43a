#include "qemu.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "gbuild/base/error.h"

namespace gbuild::provider {

namespace {

// Between fork and exec of a process with threads: nothing but system calls.
[[noreturn]] void become(char* const* arguments, const std::vector<int>& kept, int console, int null, pid_t parent) {
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(null, 0);
    ::dup2(console, 1);
    ::dup2(console, 2);
    for (const int fd : kept) ::fcntl(fd, F_SETFD, 0);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::execvp(arguments[0], arguments);
    ::_exit(127);
}

}  // namespace

Qemu::Qemu(const std::vector<std::string>& command, const std::vector<int>& kept, int console) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const UniqueFd null = open_file("/dev/null", O_RDONLY);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw_errno("cannot start a process");
    if (pid_ == 0) become(arguments.data(), kept, console, null.get(), parent);
}

Qemu::~Qemu() {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace gbuild::provider
