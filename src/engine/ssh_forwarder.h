// A socket for a step, behind which is the user's ssh agent: with a mode and an owner of its own, and without the
// agent's path being known to the step.
#pragma once

#include <filesystem>
#include <stop_token>
#include <thread>

#include "gbuild/base/fd.h"

namespace gbuild::build {

class SshForwarder {
  public:
    static constexpr const char* socket_name = "agent";

    // Listens at socket_name in `directory`. Every connection gets one of its own to `agent`, and ends at once where
    // that cannot be had. Throws io.
    SshForwarder(const std::filesystem::path& directory, std::filesystem::path agent);
    // Ends all connections.
    ~SshForwarder() = default;
    SshForwarder(const SshForwarder&) = delete;
    SshForwarder& operator=(const SshForwarder&) = delete;

  private:
    void serve(const std::stop_token& stop);

    std::filesystem::path agent_;
    UniqueFd listener_;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace gbuild::build
