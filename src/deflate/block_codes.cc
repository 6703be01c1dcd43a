#include "block_codes.h"

#include <algorithm>

#include "huffman.h"

namespace gbuild::deflate {
namespace {

constexpr unsigned longest_header_code = 7;
constexpr uint8_t repeat_last = 16, short_zeros = 17, long_zeros = 18;
constexpr std::array<uint8_t, code_length_count> header_order{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                              11, 4,  12, 3, 13, 2, 14, 1, 15};

constexpr unsigned extra_bits_of(uint8_t symbol) {
    switch (symbol) {
    case repeat_last: return 2;
    case short_zeros: return 3;
    case long_zeros: return 7;
    default: return 0;
    }
}

// How many of `lengths` a header has to tell, at least `least`.
uint32_t told(std::span<const uint8_t> lengths, uint32_t least) {
    auto count = static_cast<uint32_t>(lengths.size());
    while (count > least && lengths[count - 1] == 0) count--;
    return count;
}

}  // namespace

uint64_t BlockCodes::bits(const Histogram& histogram) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < literal_count; i++) {
        const unsigned extra = i >= first_length ? length_slot_table[i - first_length].extra : 0;
        sum += uint64_t{histogram.literals[i]} * (literal_lengths[i] + extra);
    }
    for (size_t i = 0; i < distance_count; i++) {
        sum += uint64_t{histogram.distances[i]} * (distance_lengths[i] + distance_slot_table[i].extra);
    }
    return sum;
}

BlockCodes codes_for(const Histogram& histogram) {
    BlockCodes codes;
    code_lengths(std::span(histogram.literals).first(literal_count), longest_literal_code,
                 std::span(codes.literal_lengths).first(literal_count));
    code_lengths(std::span(histogram.distances).first(distance_count), longest_code,
                 std::span(codes.distance_lengths).first(distance_count));
    return codes;
}

BlockCodes fixed_codes() {
    BlockCodes codes;
    for (size_t i = 0; i < codes.literal_lengths.size(); i++) {
        codes.literal_lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    codes.distance_lengths.fill(5);
    return codes;
}

BlockHeader::BlockHeader(const BlockCodes& codes) :
    literals_(told(std::span(codes.literal_lengths).first(literal_count), first_length)),
    distances_(told(std::span(codes.distance_lengths).first(distance_count), 1)) {
    // Both alphabets are one sequence: a run may cross from one to the other.
    std::array<uint8_t, literal_count + distance_count> sequence{};
    std::copy_n(codes.literal_lengths.begin(), literals_, sequence.begin());
    std::copy_n(codes.distance_lengths.begin(), distances_, sequence.begin() + literals_);
    const auto all = std::span(sequence).first(literals_ + distances_);
    for (size_t i = 0; i < all.size();) {
        size_t end = i + 1;
        while (end < all.size() && all[end] == all[i]) end++;
        add_run(all[i], static_cast<uint32_t>(end - i));
        i = end;
    }
    code_lengths(frequencies_, longest_header_code, code_lengths_);
    lengths_ = code_length_count;
    while (lengths_ > 4 && code_lengths_[header_order[lengths_ - 1]] == 0) lengths_--;
}

void BlockHeader::add(uint8_t symbol, uint32_t extra) {
    items_[item_count_++] = {symbol, static_cast<uint8_t>(extra)};
    frequencies_[symbol]++;
}

void BlockHeader::add_run(uint8_t length, uint32_t count) {
    if (length == 0) {
        for (; count >= 11; count -= std::min(count, 138u)) add(long_zeros, std::min(count, 138u) - 11);
        if (count >= 3) {
            add(short_zeros, count - 3);
            count = 0;
        }
    } else {
        add(length, 0);
        for (count--; count >= 3; count -= std::min(count, 6u)) add(repeat_last, std::min(count, 6u) - 3);
    }
    for (; count > 0; count--) add(length, 0);
}

uint64_t BlockHeader::bits() const {
    uint64_t sum = 5 + 5 + 4 + 3 * lengths_;
    for (uint8_t i = 0; i < code_length_count; i++)
        sum += uint64_t{frequencies_[i]} * (code_lengths_[i] + extra_bits_of(i));
    return sum;
}

void BlockHeader::write(BitWriter& out) const {
    std::array<uint16_t, code_length_count> codes{};
    canonical_codes(code_lengths_, codes);
    out.put(literals_ - first_length, 5);
    out.put(distances_ - 1, 5);
    out.put(lengths_ - 4, 4);
    out.flush();
    for (uint32_t i = 0; i < lengths_; i++) {
        out.put(code_lengths_[header_order[i]], 3);
        out.flush();
    }
    for (const Item& item : std::span(items_).first(item_count_)) {
        out.put(codes[item.symbol], code_lengths_[item.symbol]);
        out.put(item.extra, extra_bits_of(item.symbol));
        out.flush();
    }
}

}  // namespace gbuild::deflate
