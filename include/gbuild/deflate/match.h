// What travels between those who find matches and those who write blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gbuild::deflate {

constexpr uint32_t shortest_match = 3, longest_match = 258;
constexpr uint32_t window_size = 32768;

// `length` bytes at `position` equal those `distance` before them. Bytes that no match covers are literals.
struct Match {
    uint32_t position;
    uint16_t length;    // 3 to 258
    uint16_t distance;  // 1 to 32768
};

// A text and its matches, in order, none overlapping another or reaching past the end of `bytes`.
struct MatchedText {
    std::span<const std::byte> bytes;
    std::span<const Match> matches;
};

}  // namespace gbuild::deflate
