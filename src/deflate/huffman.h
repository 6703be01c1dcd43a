// Huffman codes of limited length for given frequencies. Integers only, and every tie is decided by the symbols' order.
#pragma once

#include <cstdint>
#include <span>

namespace gbuild::deflate {

constexpr unsigned most_symbols = 288;
constexpr unsigned longest_code = 15;

// The frequency of each symbol to the length of its code, 0 for symbols that do not occur. At most `limit` bits
// (1 to longest_code, enough for all symbols). The code is always complete, since not every reader takes another: where
// fewer than two symbols occur, the first others get a code as well. Frequencies add up to less than 2^23.
void code_lengths(std::span<const uint32_t> frequencies, unsigned limit, std::span<uint8_t> lengths);

// Lengths to canonical codes (RFC 1951, section 3.2.2), with their bits reversed: as a stream holds them.
void canonical_codes(std::span<const uint8_t> lengths, std::span<uint16_t> codes);

}  // namespace gbuild::deflate
