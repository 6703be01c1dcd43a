// Earlier places of the text that begin as the present one does, the latest first.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "gbuild/deflate/match.h"

namespace gbuild::deflate {

struct Found {
    uint32_t length = 0;  // 0: nothing longer than what was asked for
    uint32_t distance = 0;
};

// What is remembered of a text: for each hash of three bytes the latest place, for each hash of four the latest place
// and from there a chain that leads back through the window. Every position is entered once, in order, by find() or by
// enter().
//
// A value, to be held in a local variable: the compiler can then keep it in registers, which is a tenth of the time.
class HashChains {
  public:
    // How far matches reach. A place one window back would share its link with the present one.
    static constexpr uint32_t farthest = window_size - 1;
    static constexpr uint32_t readable_behind = 8;  // zero bytes after the text, which is read in words

    struct Tables {
        std::vector<uint32_t> latest3 = std::vector<uint32_t>(1u << bits3);  // a base and a position
        std::vector<uint32_t> latest4 = std::vector<uint32_t>(1u << bits4);
        std::vector<uint16_t> back = std::vector<uint16_t>(window_size);  // the lower half of the same
        uint32_t next_base = window_size;
    };

    // `text` has `readable_behind` zeros after its `length` bytes. Entries that earlier texts left in `tables` are told
    // by their lying a window back or more, so that nothing is cleared.
    HashChains(Tables& tables, const std::byte* text, uint32_t length) :
        text_(text),
        latest3_(tables.latest3.data()),
        latest4_(tables.latest4.data()),
        back_(tables.back.data()),
        length_(length) {
        if (tables.next_base > UINT32_MAX - 2 * (window_size + length)) tables = Tables();
        base_ = tables.next_base;
        tables.next_base += length + window_size;
    }

    // The longest match at `position` of more than `floor` bytes (of those equally long, the nearest), among at most
    // `depth` places of the chain; the first of at least `enough` bytes ends the search.
    [[gnu::always_inline]] Found find(uint32_t position, uint32_t floor, unsigned depth, uint32_t enough) const {
        const std::byte* here = text_ + position;
        const uint32_t limit = std::min(longest_match, length_ - position);
        const uint32_t start = word(here), near = base_ + position;
        const uint32_t place3 = std::exchange(latest3_[hash3(start)], near);
        const uint32_t place4 = std::exchange(latest4_[hash4(start)], near);
        const uint32_t distance = near - place4;
        back_[near % window_size] = static_cast<uint16_t>(distance <= farthest ? place4 : near);
        prefetch(here + 1);
        if (floor >= limit) return {};
        Found best{floor, 0};
        if (floor < shortest_match && limit >= shortest_match && near - place3 <= farthest &&
            same3(start, word(here - (near - place3)))) {
            best = {shortest_match, near - place3};
        }
        if (distance <= farthest && limit >= 4) best = follow(here, near, distance, limit, best, depth, enough);
        return best.distance > 0 ? best : Found{};
    }

    [[gnu::always_inline]] void enter(uint32_t position, uint32_t count) const {
        const std::byte* here = text_ + position;
        uint32_t near = base_ + position;
        for (; count > 0; count--, here++, near++) {
            const uint32_t start = word(here);
            latest3_[hash3(start)] = near;
            const uint32_t place4 = std::exchange(latest4_[hash4(start)], near);
            back_[near % window_size] = static_cast<uint16_t>(near - place4 <= farthest ? place4 : near);
        }
        prefetch(here);
    }

  private:
    static constexpr unsigned bits3 = 14, bits4 = 15;

    template <typename Word>
    static Word read(const std::byte* at) {
        Word bytes;
        std::memcpy(&bytes, at, sizeof(bytes));
        if constexpr (std::endian::native == std::endian::big) {
            bytes = sizeof(bytes) == 4 ? __builtin_bswap32(bytes) : __builtin_bswap64(bytes);
        }
        return bytes;
    }
    static uint32_t word(const std::byte* at) { return read<uint32_t>(at); }
    static uint32_t hash3(uint32_t bytes) { return (bytes << 8) * 2654435761u >> (32 - bits3); }
    static uint32_t hash4(uint32_t bytes) { return bytes * 2654435761u >> (32 - bits4); }
    static bool same3(uint32_t a, uint32_t b) { return ((a ^ b) << 8) == 0; }

    void prefetch(const std::byte* next) const {
        const uint32_t start = word(next);
        __builtin_prefetch(&latest3_[hash3(start)], 1);
        __builtin_prefetch(&latest4_[hash4(start)], 1);
    }

    static uint32_t common_length(const std::byte* a, const std::byte* b, uint32_t from, uint32_t limit) {
        for (; from < limit; from += 8) {
            if (const uint64_t difference = read<uint64_t>(a + from) ^ read<uint64_t>(b + from)) {
                return std::min(limit, from + static_cast<uint32_t>(std::countr_zero(difference)) / 8);
            }
        }
        return limit;
    }

    [[gnu::always_inline]] Found follow(const std::byte* here, uint32_t near, uint32_t distance, uint32_t limit,
                                        Found best, unsigned depth, uint32_t enough) const {
        const uint32_t start = word(here);
        // The bytes that would make it longer are compared first: most places fail there.
        uint32_t edge = best.length > 3 ? best.length - 3 : 0;
        uint32_t wanted = word(here + edge);
        for (auto place = static_cast<uint16_t>(near - distance);;) {
            const std::byte* there = here - distance;
            place = back_[place % window_size];
            if (word(there + edge) == wanted && word(there) == start) {
                const uint32_t length = common_length(here, there, 4, limit);
                if (length > best.length) {
                    best = {length, distance};
                    if (length >= enough || length == limit) break;
                    edge = length - 3;
                    wanted = word(here + edge);
                }
            }
            const uint32_t next = static_cast<uint16_t>(near - place);
            // The end of a chain leads to itself.
            if (next - distance - 1 >= farthest - distance || --depth == 0) break;
            distance = next;
        }
        return best;
    }

    const std::byte* text_;
    uint32_t* latest3_;
    uint32_t* latest4_;
    uint16_t* back_;
    uint32_t length_, base_;
};

}  // namespace gbuild::deflate
