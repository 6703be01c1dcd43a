#include "histogram.h"

#include <bit>

namespace gbuild::deflate {
namespace {

constexpr unsigned mantissa_bits = 10;
constexpr unsigned fraction_bits = 12;
static_assert(cost_unit == 1u << fraction_bits);

// The binary logarithm of 1 to 2 in steps of 2^-mantissa_bits, by squaring: each square that reaches 2 is a bit.
constexpr std::array<uint16_t, (1u << mantissa_bits)> make_logarithms() {
    std::array<uint16_t, (1u << mantissa_bits)> table{};
    for (uint64_t i = 0; i < table.size(); i++) {
        uint64_t value = (uint64_t{1} << 31) + (i << (31 - mantissa_bits));  // of 2^31
        unsigned result = 0;
        for (unsigned bit = 0; bit < fraction_bits; bit++) {
            value = value * value >> 31;
            result <<= 1;
            if (value >= uint64_t{1} << 32) {
                value >>= 1;
                result |= 1;
            }
        }
        table[i] = static_cast<uint16_t>(result);
    }
    return table;
}

constexpr auto logarithms = make_logarithms();

// x log2 x, in units of 1/cost_unit.
inline uint64_t weighted_logarithm(uint32_t x) {
    if (x < 2) return 0;
    const unsigned whole = std::bit_width(x) - 1u;
    const uint32_t mantissa = whole > mantissa_bits ? x >> (whole - mantissa_bits) : x << (mantissa_bits - whole);
    return uint64_t{x} * (uint64_t{whole} << fraction_bits | logarithms[mantissa & ((1u << mantissa_bits) - 1)]);
}

// A block's header: fixed fields and the code of code lengths, then a little for each symbol that has a code.
constexpr uint64_t block_cost = 80 * cost_unit;
constexpr uint64_t symbol_cost = 3 * cost_unit;

struct Cost {
    uint64_t total = 0, weighted = 0, used = 0;

    void add(uint32_t frequency) {
        total += frequency;
        weighted += weighted_logarithm(frequency);
        used += frequency > 0 ? 1 : 0;
    }
    uint64_t bits() const { return weighted_logarithm(static_cast<uint32_t>(total)) - weighted + used * symbol_cost; }
};

template <typename Frequency>
uint64_t cost_of(size_t count, Frequency frequency) {
    Cost cost;
    for (size_t i = 0; i < count; i++) cost.add(frequency(i));
    return cost.bits();
}

}  // namespace

void Histogram::add(const Histogram& other) {
    for (size_t i = 0; i < literals.size(); i++) literals[i] += other.literals[i];
    for (size_t i = 0; i < distances.size(); i++) distances[i] += other.distances[i];
}

uint64_t estimated_cost(const Histogram& it) {
    return block_cost + cost_of(literal_count, [&](size_t i) { return it.literals[i]; }) +
           cost_of(distance_count, [&](size_t i) { return it.distances[i]; });
}

uint64_t estimated_cost(const Histogram& a, const Histogram& b) {
    return block_cost + cost_of(literal_count, [&](size_t i) { return a.literals[i] + b.literals[i]; }) +
           cost_of(distance_count, [&](size_t i) { return a.distances[i] + b.distances[i]; });
}

}  // namespace gbuild::deflate
