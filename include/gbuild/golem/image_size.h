// Images that are large, and what makes them so.
#pragma once

#include <cstdint>
#include <optional>

#include "gbuild/base/events.h"
#include "gbuild/tree/tree.h"

namespace gbuild::golem {

// From this size of the file on, bytes.
inline constexpr uint64_t large_image = 1'000'000'000;

// Warning "image-size": names the three biggest directories, the innermost that have most of what is below the ones
// above. nullopt for a smaller image.
std::optional<Warning> warn_of_size(const tree::Tree& tree, uint64_t file_size);

}  // namespace gbuild::golem
