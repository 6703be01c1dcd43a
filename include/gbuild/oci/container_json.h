// Docker's JSON form of a container's configuration: the "config" member of an image configuration, and the whole of a
// .gvmi trailer.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "gbuild/oci/image_config.h"
#include "gbuild/oci/json.h"

namespace gbuild::oci {

struct ContainerReading {
    ContainerConfig config;
    // What was malformed, and what was made of it, by its JSON path: "config.Env[1] (\"=x\") has no variable name;
    // ignoring it". Ten at most, then how many more there are.
    std::vector<std::string> repairs;
    // The first fault that a reader in another language would fail at: a JSON type, or a NUL. "" when there is none.
    std::string wrong_type;
};

// Unknown members are ignored; null counts as absent, and so does an empty string where docker writes one. A variable
// that is set twice has its last value. What is malformed is repaired or left out: whoever builds on an image did not
// write it. Throws integrity for what is no object, and for a user that cannot be read; limit beyond 10,000 elements of
// a list.
ContainerReading read_container_config(const JsonValue& object);

// The members that are set, as an object with docker's names.
nlohmann::json container_config_json(const ContainerConfig& config);

}  // namespace gbuild::oci
