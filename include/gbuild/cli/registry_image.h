// The IMAGE argument of the commands that take an image of the Golem registry.
#pragma once

#include <stop_token>
#include <string>
#include <variant>

#include "gbuild/publish/publisher.h"

namespace gbuild::cli {

using RegistryImage = std::variant<publish::RegistryName, golem::ImageHash>;

// A hash in any of its spellings, else a name. Throws usage.
RegistryImage parse_registry_image(const std::string& text);
publish::ResolvedImage resolve(publish::Publisher& publisher, const RegistryImage& image, const std::stop_token& stop);

}  // namespace gbuild::cli
