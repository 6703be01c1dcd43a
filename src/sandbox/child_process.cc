#include "child_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "stage.h"

namespace gbuild::sandbox {

namespace {

// The parent of a process, from /proc/PID/stat; -1 when it is gone.
pid_t parent_of(int proc, const char* name) {
    UniqueFd stat(::openat(proc, fmt::format("{}/stat", name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!stat) return -1;
    char text[512];
    ssize_t size = ::read(stat.get(), text, sizeof text);
    if (size <= 0) return -1;
    // The command's name, in parentheses, can hold anything.
    std::string_view rest(text, static_cast<size_t>(size));
    size_t name_end = rest.rfind(')');
    if (name_end == std::string_view::npos || rest.size() < name_end + 5) return -1;
    rest = rest.substr(name_end + 4);
    return static_cast<pid_t>(parse_decimal(rest.substr(0, rest.find(' '))).value_or(0));
}

void kill_children_of(pid_t parent, int proc) {
    const int fd = ::openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fail_stage("open(/proc)");
    std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), ::closedir);
    while (const dirent* entry = ::readdir(entries.get())) {
        auto pid = parse_decimal(static_cast<const char*>(entry->d_name));
        if (pid && parent_of(proc, static_cast<const char*>(entry->d_name)) == parent) {
            ::kill(static_cast<pid_t>(*pid), SIGKILL);
        }
    }
}

}  // namespace

pid_t fork_into(int namespace_flags) {
    long pid =
        ::syscall(SYS_clone, static_cast<unsigned long>(namespace_flags | SIGCHLD), nullptr, nullptr, nullptr, 0);
    if (pid < 0) fail_stage(namespace_flags != 0 ? "clone(namespaces)" : "fork");
    return static_cast<pid_t>(pid);
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, __WALL) < 0 && errno == EINTR) {
    }
    return status;
}

int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

OwnedChild::~OwnedChild() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
}

void close_all_but(std::initializer_list<int> kept) {
    std::vector<int> sorted(kept);
    std::sort(sorted.begin(), sorted.end());
    unsigned first = 3;
    for (int fd : sorted) {
        if (fd < 0) continue;
        const auto number = static_cast<unsigned>(fd);
        if (number < first) continue;
        if (number > first) ::syscall(SYS_close_range, first, number - 1, 0U);
        first = number + 1;
    }
    ::syscall(SYS_close_range, first, ~0U, 0U);
}

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("cannot create a pipe");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void kill_descendants(int proc) {
    if (::getpid() == 1) {
        ::kill(-1, SIGKILL);
        while (::waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
        }
        return;
    }
    // Whoever loses its parent becomes our child; so this ends when the last one is gone.
    for (;;) {
        kill_children_of(::getpid(), proc);
        pid_t ended = ::waitpid(-1, nullptr, __WALL);
        if (ended < 0 && errno != EINTR) return;
    }
}

}  // namespace gbuild::sandbox
