// Images of a docker daemon (or podman's, which speaks the same), over its socket.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

namespace gbuild::registry {

// Where the daemon is: the path of `docker_host` (the variable DOCKER_HOST, "unix:///run/docker.sock"), else
// /var/run/docker.sock. Throws unsupported for a daemon that is reached in another way.
std::filesystem::path daemon_socket(const std::optional<std::string>& docker_host);

// Writes to `fd` what `docker save REFERENCE` would. Throws not_found for an image that the daemon does not have,
// network when none answers or it breaks off, permission, no_space, io, interrupted.
void save_from_daemon(const std::filesystem::path& socket, const std::string& reference, int fd,
                      const std::stop_token& stop);

}  // namespace gbuild::registry
