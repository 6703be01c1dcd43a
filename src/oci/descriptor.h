// Descriptors as JSON (image-spec, descriptor.md).
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "gbuild/oci/json.h"
#include "gbuild/oci/manifest.h"

namespace gbuild::oci {

// Throws integrity naming the place, limit beyond the caps.
Descriptor read_descriptor(const JsonValue& value);
// The "annotations" member of an object; empty when there is none.
std::map<std::string, std::string> read_annotations(const JsonValue& object);

// Members that are empty are left out.
nlohmann::json descriptor_json(const Descriptor& descriptor);

}  // namespace gbuild::oci
