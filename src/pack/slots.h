#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace gbuild::pack {

// How many blocks may be in flight: four a thread keep all threads busy (measured; two do not, eight gain nothing),
// fewer where large blocks and many threads would take more than some tens of megabytes.
inline size_t slots_for(unsigned threads, uint32_t block_size) {
    constexpr size_t budget = 48 << 20;
    const size_t affordable = budget / (size_t{2} * block_size);
    return std::clamp<size_t>(size_t{4} * threads, 2, std::max<size_t>(affordable, size_t{threads} + 1));
}

}  // namespace gbuild::pack
