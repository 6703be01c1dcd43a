// A program of the host that runs beside us, and ends with its owner.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/fd.h"

namespace gbuild {

struct ChildOptions {
    // Descriptors that become its standard input, output and error.
    int in = 0, out = 1, err = 2;
    std::optional<std::vector<std::string>> environment = {};  // "NAME=value"; nullopt: ours
    // A session of its own has no terminal that it could ask a question on, and is killed as a whole.
    bool own_session = false;
};

// Sole owner of a child process: killed and reaped unless wait() was called.
class Child {
  public:
    // Runs argv[0], looked up in PATH, with no signals blocked. Throws not_found when there is no such program, io.
    Child(const std::vector<std::string>& argv, const ChildOptions& options);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();

    // Readable once the child has ended, which closed outputs do not mean. Throws io.
    UniqueFd end() const;
    // Its exit code, or 128 + the signal that killed it.
    int wait();

  private:
    pid_t pid_ = -1;
    bool own_session_ = false;
};

// Two ends of a connection: only send(2) can write to a reader that has gone without raising SIGPIPE.
struct StreamPair {
    UniqueFd ours, theirs;
};
StreamPair make_stream_pair();

}  // namespace gbuild
