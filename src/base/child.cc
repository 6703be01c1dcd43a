#include "gbuild/base/child.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

extern char** environ;

namespace gbuild {

namespace {

class SpawnActions {
  public:
    SpawnActions() { posix_spawn_file_actions_init(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
    void redirect(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_;
};

// The signals that we block or ignore for ourselves are the child's to die of.
class SpawnAttributes {
  public:
    explicit SpawnAttributes(bool own_session) {
        sigset_t none, pipe;
        sigemptyset(&none);
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &pipe);
        const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (own_session ? POSIX_SPAWN_SETSID : 0);
        posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
    }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    out.reserve(strings.size() + 1);
    for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

}  // namespace

Child::Child(const std::vector<std::string>& argv, const ChildOptions& options) : own_session_(options.own_session) {
    const std::vector<char*> arguments = pointers(argv);
    const std::vector<char*> environment = options.environment ? pointers(*options.environment) : std::vector<char*>();
    SpawnActions actions;
    actions.redirect(options.in, 0);
    actions.redirect(options.out, 1);
    actions.redirect(options.err, 2);
    const SpawnAttributes attributes(own_session_);
    const int error_number = posix_spawnp(&pid_, arguments[0], actions.get(), attributes.get(), arguments.data(),
                                          options.environment ? environment.data() : environ);
    if (error_number != 0) {
        pid_ = -1;
        throw system_error(error_number, fmt::format("cannot run {}", quoted(argv[0])));
    }
}

Child::~Child() {
    if (pid_ < 0) return;
    ::kill(own_session_ ? -pid_ : pid_, SIGKILL);
    wait();
}

UniqueFd Child::end() const {
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!fd) throw_errno("cannot watch a child process");
    return fd;
}

int Child::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

StreamPair make_stream_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("cannot create a socket pair");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace gbuild
