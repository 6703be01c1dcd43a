// Other processes, for what concerns several of them: forked, steered through pipes, never left behind.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <utility>

#include "gbuild/base/fd.h"

namespace gbuild::test {

// Runs `body(child)` in a forked process that exits with the value returned (99 on an exception). Killed by the
// destructor.
class Child {
  public:
    explicit Child(const std::function<int(Child&)>& body) {
        auto [child_reads, parent_writes] = make_pipe();
        auto [parent_reads, child_writes] = make_pipe();
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("fork failed");
        bool in_child = pid_ == 0;
        in_ = in_child ? std::move(child_reads) : std::move(parent_reads);
        out_ = in_child ? std::move(child_writes) : std::move(parent_writes);
        if (!in_child) return;
        child_reads.reset();
        child_writes.reset();
        parent_reads.reset();
        parent_writes.reset();
        int code = 99;
        try {
            code = body(*this);
        } catch (...) {
        }
        ::_exit(code);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ > 0) kill();
    }

    // Both sides: tell the other that a point is reached, wait until it told us (false: it is gone).
    void tell() { write_all(out_.get(), "x"); }
    bool hear() {
        std::byte byte;
        return read_full(in_.get(), std::span(&byte, 1)) == 1;
    }
    // The child only: until it is killed.
    [[noreturn]] static void wait_for_death() {
        for (;;) ::pause();
    }

    void kill() {
        ::kill(pid_, SIGKILL);
        wait();
    }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

  private:
    static std::pair<UniqueFd, UniqueFd> make_pipe() {
        int ends[2];
        if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
        return {UniqueFd(ends[0]), UniqueFd(ends[1])};
    }

    pid_t pid_ = -1;
    UniqueFd in_, out_;
};

}  // namespace gbuild::test
