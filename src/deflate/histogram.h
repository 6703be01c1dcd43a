// How often each symbol occurs in a stretch of a text, and what that costs.
#pragma once

#include <array>
#include <cstdint>

#include "symbols.h"

namespace gbuild::deflate {

struct Histogram {
    std::array<uint32_t, literal_count + 2> literals{};  // literals and lengths; two that do not occur round it up
    std::array<uint32_t, distance_count + 2> distances{};

    void add(const Histogram& other);
};

// About how many bits a block with these symbols takes, its header included, without the bits that follow symbols: in
// units of 1/cost_unit bit.
constexpr uint64_t cost_unit = 1 << 12;
uint64_t estimated_cost(const Histogram& histogram);
// The same of both together.
uint64_t estimated_cost(const Histogram& a, const Histogram& b);

}  // namespace gbuild::deflate
