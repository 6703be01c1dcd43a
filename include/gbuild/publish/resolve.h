// What the Golem registry knows of an image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gbuild/golem/image_hash.h"

namespace gbuild::publish {

struct ResolvedImage {
    golem::ImageHash hash;
    std::string http, https;       // where providers download it; "" when the registry does not say
    std::optional<uint64_t> size;  // bytes
};

}  // namespace gbuild::publish
