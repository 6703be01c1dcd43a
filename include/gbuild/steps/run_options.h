// How RUN is executed, as the user says it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gbuild/sandbox/sandbox.h"
#include "gbuild/sources/source_options.h"

namespace gbuild::build {

struct RunOptions : Credentials {
    std::optional<sandbox::Isolation> isolation;             // default: the first that works
    sandbox::Network network = sandbox::Network::host;       // what RUN --network=default is
    bool allow_insecure = false;                             // RUN --security=insecure
    std::chrono::seconds timeout{0};                         // for each step; 0: none
    std::optional<uint64_t> memory;                          // bytes a step may use
    std::optional<uint64_t> pids;                            // processes a step may have
    std::map<std::string, std::string> proxies;              // for commands only; never stored
    std::vector<std::pair<std::string, std::string>> hosts;  // names and addresses, for /etc/hosts
    std::vector<sandbox::ResourceLimit> limits;
    uint64_t shm_size = 64u << 20;  // of /dev/shm, bytes
};

}  // namespace gbuild::build
