// Child processes of a process that has no other thread.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <utility>

#include "gbuild/base/fd.h"

namespace gbuild::sandbox {

// fork(2) with namespace flags of clone(2) for the child. 0 in the child. Throws StageFailure.
pid_t fork_into(int namespace_flags);

// Waits for one child; its status as waitpid(2) gives it.
int wait_for(pid_t child);
// 128 + signal for one that was killed.
int exit_code_of(int status);

// Sole owner of a child: killed and reaped by the destructor unless wait() was called.
class OwnedChild {
  public:
    explicit OwnedChild(pid_t pid) : pid_(pid) {}
    OwnedChild(OwnedChild&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    OwnedChild& operator=(OwnedChild&&) = delete;
    ~OwnedChild();

    pid_t pid() const { return pid_; }
    int wait() { return wait_for(std::exchange(pid_, -1)); }

  private:
    pid_t pid_;
};

// Closes every descriptor but these and the first three; numbers below zero are none. For a child that was forked and
// runs on without exec: closing on exec is no help to it.
void close_all_but(std::initializer_list<int> kept);

struct Pipe {
    UniqueFd read, write;
};
// Throws io.
Pipe make_pipe();

// Kills everything that descends from the calling process, which must be a child subreaper or the first process of its
// PID namespace, and reaps it. `proc` is a directory of a procfs that knows processes by the caller's numbers.
void kill_descendants(int proc);

}  // namespace gbuild::sandbox
