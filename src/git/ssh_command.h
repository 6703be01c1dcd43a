// How a git repository is reached over ssh: by the user's own ssh program, as git does (git(1), GIT_SSH_COMMAND).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gbuild::git {

struct SshAddress {
    std::string user;  // "": as ssh's configuration says
    std::string host;
    std::string port;  // "": as ssh's configuration says
    std::string path;
};

// ssh://[USER@]HOST[:PORT]/PATH or USER@HOST:PATH. Throws usage for what is neither, and for what a program could take
// for an option.
SshAddress parse_ssh_address(const std::string& url);

using Environment = std::function<std::optional<std::string>(const char* name)>;

// The command that speaks for the repository's upload-pack: that of GIT_SSH_COMMAND, GIT_SSH or "ssh". It never asks
// anything; a key of a host that is not known is refused unless ssh's configuration says otherwise. Throws unsupported
// for a GIT_SSH_VARIANT that is neither "ssh" nor "simple".
std::vector<std::string> ssh_command(const SshAddress& address, const Environment& environment);

}  // namespace gbuild::git
