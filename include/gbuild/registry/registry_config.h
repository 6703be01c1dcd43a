// The configuration files for registries, and the places that other tools use.
//
//     {
//       "registries": {
//         "docker.io": { "mirrors": ["https://mirror.example:5000", "cache.example/hub"] },
//         "registry.example:5000": { "insecure": true, "ca_files": ["/etc/ssl/our-ca.pem"],
//                                    "token_hosts": ["login.example.org"] }
//       }
//     }
//
// Every member is optional; a mirror's own settings stand under the mirror's own name. Relative paths are relative to
// the file.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gbuild/registry/client.h"
#include "gbuild/registry/credentials.h"

namespace gbuild::registry {

// Where settings are looked for; none of the files need be there.
struct RegistryFiles {
    // ${XDG_CONFIG_HOME:-~/.config}/gbuild/registries.json, then ${GBUILD_SYSTEM_CONFIG:-/etc/gbuild}/registries.json.
    std::vector<std::filesystem::path> own;
    // Of the containers tools, later ones over earlier ones: registries.conf of the user, else of the system, and the
    // *.conf in the system's and then the user's registries.conf.d; or $CONTAINERS_REGISTRIES_CONF alone.
    std::vector<std::filesystem::path> containers;
};
RegistryFiles default_registry_files(const Environment& environment = process_environment);
// ${XDG_CONFIG_HOME:-~/.config}/containers/certs.d, ~/.docker/certs.d, /etc/containers/certs.d, /etc/docker/certs.d:
// the user's own client certificates come first.
std::vector<std::filesystem::path> default_certs_dirs(const Environment& environment = process_environment);

// A registry and the member of its settings that some file holds: ("docker.io", "mirrors").
using SaidSettings = std::set<std::pair<std::string, std::string>>;

// Adds what the file says behind what `options` holds already, but for members that `said` names; these are then added
// to `said`. A file that is not there or empty changes nothing. Throws usage with the path and the JSON path of what is
// wrong.
void load_registry_config(const std::filesystem::path& path, ClientOptions& options, SaidSettings& said);

// Rules and insecure hosts as registries.conf files of version 2 have them (containers-registries.conf(5)); the latter
// where `said` has no such setting. Throws usage with the path and the line of what is wrong.
void load_containers_config(const std::vector<std::filesystem::path>& files, ClientOptions& options,
                            const SaidSettings& said);

// All of the files, in order of precedence.
void load_registry_files(const RegistryFiles& files, ClientOptions& options);

}  // namespace gbuild::registry
