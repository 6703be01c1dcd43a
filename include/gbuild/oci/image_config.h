// The image configuration (image-spec, config.md, with docker's additions).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/oci/platform.h"

namespace gbuild::oci {

struct Healthcheck {
    std::vector<std::string> test;  // {"NONE"}, {"CMD", …}, {"CMD-SHELL", "…"}; empty: inherit
    int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;  // nanoseconds; 0: inherit
    int64_t retries = 0;
    bool operator==(const Healthcheck&) const = default;
};

// What a container is run with. Optional means: the field may be absent, and absent differs from empty.
struct ContainerConfig {
    std::string user;
    std::set<std::string> exposed_ports;  // "80/tcp"
    std::vector<std::string> env;         // "NAME=value", in order, no name twice
    std::optional<std::vector<std::string>> entrypoint;
    std::optional<std::vector<std::string>> cmd;
    std::set<std::string> volumes;
    std::string working_dir;
    std::map<std::string, std::string> labels;
    std::string stop_signal;
    std::optional<int64_t> stop_timeout;
    std::optional<Healthcheck> healthcheck;
    std::vector<std::string> on_build;
    std::optional<std::vector<std::string>> shell;
    bool args_escaped = false;

    // Value of an environment variable; nullopt when it is not set.
    std::optional<std::string> env_value(std::string_view name) const;
    // Sets or replaces, keeping its place.
    void set_env(std::string_view name, std::string_view value);
    bool operator==(const ContainerConfig&) const = default;
};

struct ImageConfig {
    Platform platform;               // of one that was read, "" for what it does not say
    std::optional<int64_t> created;  // seconds since the epoch
    std::string author;
    ContainerConfig config;
    std::vector<Digest> diff_ids;  // lowest layer first
    // Of one that was read: what was malformed in it, and what was made of that; see read_container_config().
    std::vector<std::string> repairs = {};
};

// What concerns only how a container is run is repaired where it is malformed. Throws integrity with the JSON path of
// what is wrong otherwise; limit beyond the caps.
ImageConfig parse_image_config(std::string_view json);
// Canonical JSON (sorted keys, no white space), the same for equal configs; its sha256 is the image id.
std::string to_json(const ImageConfig& config);

}  // namespace gbuild::oci
