// The alphabets of RFC 1951, section 3.2.5.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "gbuild/deflate/match.h"

namespace gbuild::deflate {

constexpr unsigned end_of_block = 256, first_length = 257;
constexpr unsigned literal_count = 286, distance_count = 30, code_length_count = 19;
constexpr unsigned length_slots = 29;

struct Slot {
    uint16_t base;
    uint8_t extra;  // bits that follow the symbol
};

constexpr std::array<Slot, length_slots> make_length_slots() {
    std::array<Slot, length_slots> slots{};
    uint16_t base = shortest_match;
    for (unsigned i = 0; i + 1 < length_slots; i++) {
        const uint8_t extra = i < 8 ? 0 : static_cast<uint8_t>(i / 4 - 1);
        slots[i] = {base, extra};
        base = static_cast<uint16_t>(base + (1u << extra));
    }
    slots[length_slots - 1] = {longest_match, 0};
    return slots;
}

constexpr std::array<Slot, distance_count> make_distance_slots() {
    std::array<Slot, distance_count> slots{};
    uint16_t base = 1;
    for (unsigned i = 0; i < distance_count; i++) {
        const uint8_t extra = i < 4 ? 0 : static_cast<uint8_t>(i / 2 - 1);
        slots[i] = {base, extra};
        base = static_cast<uint16_t>(base + (1u << extra));
    }
    return slots;
}

inline constexpr auto length_slot_table = make_length_slots();
inline constexpr auto distance_slot_table = make_distance_slots();

constexpr std::array<uint8_t, longest_match + 1> make_slot_of_length() {
    std::array<uint8_t, longest_match + 1> slot_of{};
    for (unsigned slot = 0; slot < length_slots; slot++) {
        const Slot& it = length_slot_table[slot];
        for (unsigned i = 0; i < (1u << it.extra) && it.base + i <= longest_match; i++) {
            slot_of[it.base + i] = static_cast<uint8_t>(slot);
        }
    }
    slot_of[longest_match] = length_slots - 1;  // 257 + 1 could also be the slot before it with all extra bits set
    return slot_of;
}

inline constexpr auto slot_of_length = make_slot_of_length();

// From a distance less one: two slots for each power of two, told apart by the bit below the highest.
constexpr std::array<uint8_t, 512> make_slot_of_distance() {
    std::array<uint8_t, 512> slot_of{};
    for (unsigned slot = 0; slot < distance_count; slot++) {
        const Slot& it = distance_slot_table[slot];
        for (uint32_t i = 0; i < (1u << it.extra); i++) {
            const uint32_t less_one = it.base - 1u + i;
            slot_of[less_one < 256 ? less_one : 256 + (less_one >> 7)] = static_cast<uint8_t>(slot);
        }
    }
    return slot_of;
}

inline constexpr auto slot_of_distance_table = make_slot_of_distance();

inline unsigned slot_of_distance(uint32_t distance) {
    const uint32_t less_one = distance - 1;
    return slot_of_distance_table[less_one < 256 ? less_one : 256 + (less_one >> 7)];
}

}  // namespace gbuild::deflate
