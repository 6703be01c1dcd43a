// The .gvmi trailer's JSON: docker's ContainerConfig with the converter's keys and order (design: gvmi.md).
#pragma once

#include <string>
#include <string_view>

#include "gbuild/oci/image_config.h"

namespace gbuild::golem {

// Throws dockerfile for a value that is not UTF-8. `image_id` is 64 hex digits; config.user must already be numeric
// ("uid:gid") or empty.
std::string to_trailer_json(const oci::ContainerConfig& config, std::string_view image_id);

struct TrailerConfig {
    oci::ContainerConfig config;
    std::string image_id;
};
// Reads any converter's trailer. Throws integrity.
TrailerConfig parse_trailer_json(std::string_view json);

}  // namespace gbuild::golem
