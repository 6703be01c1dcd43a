// The two codes of a block, and the header that tells a reader about them (RFC 1951, section 3.2.7).
#pragma once

#include <array>
#include <cstdint>

#include "bit_writer.h"
#include "histogram.h"

namespace gbuild::deflate {

// Four literals of at most this length go through a BitWriter between two flushes.
constexpr unsigned longest_literal_code = 14;

struct BlockCodes {
    std::array<uint8_t, literal_count + 2> literal_lengths{};
    std::array<uint8_t, distance_count + 2> distance_lengths{};

    // Bits for all symbols of `histogram`, those that follow them included.
    uint64_t bits(const Histogram& histogram) const;
};

BlockCodes codes_for(const Histogram& histogram);
// RFC 1951, section 3.2.6.
BlockCodes fixed_codes();

class BlockHeader {
  public:
    explicit BlockHeader(const BlockCodes& codes);

    uint64_t bits() const;
    void write(BitWriter& out) const;

  private:
    struct Item {
        uint8_t symbol, extra;
    };

    void add_run(uint8_t length, uint32_t count);
    void add(uint8_t symbol, uint32_t extra);

    std::array<Item, literal_count + distance_count> items_{};
    uint32_t item_count_ = 0;
    uint32_t literals_ = 0, distances_ = 0, lengths_ = 0;  // how many of each are told
    std::array<uint32_t, code_length_count> frequencies_{};
    std::array<uint8_t, code_length_count> code_lengths_{};
};

}  // namespace gbuild::deflate
