// New fragment blocks for tails whose old ones hold something that is not in the image.
#pragma once

#include <stop_token>

#include "data_layout.h"

namespace gbuild::pack {

// Writes the blocks one after the other from `position` on and returns where they are, in the order of their targets.
std::vector<Fragment> repack_tails(const PackSet& packs, std::span<const TailMove> moves, unsigned threads,
                                   const std::stop_token& stop, int fd, uint64_t position);

}  // namespace gbuild::pack
