// Docker's JSON form of a container's configuration: the "config" member of an image configuration, and the whole of a
// .gvmi trailer.
#pragma once

#include <nlohmann/json.hpp>

#include "gbuild/oci/image_config.h"
#include "gbuild/oci/json.h"

namespace gbuild::oci {

// Unknown members are ignored; null counts as absent, and so does an empty string where docker writes one. A variable
// that is set twice has its last value. Throws integrity naming the place, limit beyond 10,000 elements of a list.
ContainerConfig read_container_config(const JsonValue& object);

// The members that are set, as an object with docker's names.
nlohmann::json container_config_json(const ContainerConfig& config);

}  // namespace gbuild::oci
