// The configuration file for registries, and the places that other tools use.
//
//     {
//       "registries": {
//         "docker.io": { "mirrors": ["https://mirror.example:5000", "cache.example/hub"] },
//         "registry.example:5000": { "insecure": true, "ca_files": ["/etc/ssl/our-ca.pem"] }
//       }
//     }
//
// Every member is optional; a mirror's own settings stand under the mirror's own name. Relative paths are relative to
// the file.
#pragma once

#include <filesystem>
#include <vector>

#include "gbuild/registry/client.h"
#include "gbuild/registry/credentials.h"

namespace gbuild::registry {

// ${XDG_CONFIG_HOME:-~/.config}/gbuild/registries.json; empty when neither variable is set.
std::filesystem::path default_registry_config_path(const Environment& environment = process_environment);
// ${XDG_CONFIG_HOME:-~/.config}/containers/certs.d, ~/.docker/certs.d, /etc/containers/certs.d, /etc/docker/certs.d:
// the user's own client certificates come first.
std::vector<std::filesystem::path> default_certs_dirs(const Environment& environment = process_environment);

// Adds what the file says behind what `options` holds already. A file that is not there changes nothing. Throws usage
// with the path and the JSON path of what is wrong.
void load_registry_config(const std::filesystem::path& path, ClientOptions& options);

}  // namespace gbuild::registry
