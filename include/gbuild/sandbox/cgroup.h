// Limits on what a step uses, where control groups (v2) are delegated to the user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gbuild::sandbox {

struct Limits {
    std::optional<uint64_t> memory;  // bytes, swap included
    std::optional<uint64_t> pids;
};

// A group of its own for steps, removed by the destructor; no process may be in it by then.
class Cgroup {
  public:
    // Below the caller's own group, or beside it where that one may have no groups below. Throws system errors and
    // unsupported, with what stands in the way.
    explicit Cgroup(const Limits& limits);
    ~Cgroup();
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    const std::string& directory() const { return directory_; }

  private:
    std::string directory_;
};

}  // namespace gbuild::sandbox
