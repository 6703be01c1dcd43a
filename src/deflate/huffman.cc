#include "huffman.h"

#include <algorithm>
#include <array>

namespace gbuild::deflate {
namespace {

// Frequency above, symbol below: sorting these sorts by frequency, and equal ones by symbol.
constexpr unsigned symbol_bits = 9;
constexpr uint32_t symbol_mask = (1u << symbol_bits) - 1;

using Leaves = std::array<uint32_t, most_symbols>;
using LengthCounts = std::array<uint32_t, most_symbols + 1>;

std::span<uint32_t> used_symbols(std::span<const uint32_t> frequencies, Leaves& leaves) {
    size_t used = 0;
    for (size_t i = 0; i < frequencies.size(); i++) {
        if (frequencies[i] > 0) leaves[used++] = frequencies[i] << symbol_bits | static_cast<uint32_t>(i);
    }
    std::sort(leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(used));
    return std::span(leaves).first(used);
}

// Moffat and Katajainen's calculation in place: sorted frequencies in, the parent of each inner node out. The leaf
// comes first where a leaf and a node weigh the same, which keeps the longest code short.
void build_tree(std::span<uint32_t> weights) {
    const size_t count = weights.size();
    size_t leaf = 0, node = 0;
    const auto take = [&](size_t next) {
        if (leaf < count && (node >= next || weights[leaf] <= weights[node])) return weights[leaf++];
        const uint32_t weight = weights[node];
        weights[node++] = static_cast<uint32_t>(next);
        return weight;
    };
    for (size_t next = 0; next + 1 < count; next++) {
        const uint32_t first = take(next);
        // `leaf` is past `next` by now, so that the place is free.
        weights[next] = first + take(next);
    }
}

// From parents to how many leaves lie at each depth.
void count_depths(std::span<uint32_t> parents, LengthCounts& counts) {
    const size_t root = parents.size() - 2;
    counts.fill(0);
    counts[1] = 2;
    parents[root] = 0;
    for (size_t i = root; i-- > 0;) {
        const uint32_t depth = parents[parents[i]] + 1;
        parents[i] = depth;
        counts[depth]--;
        counts[depth + 1] += 2;
    }
}

// Cuts lengths to `limit` and restores a complete code: what is too much of it is paid by pushing down the deepest leaf
// that is not at the limit, and lifting another from the limit to be its sibling.
void limit_depths(LengthCounts& counts, unsigned limit) {
    uint64_t taken = 0;  // of 2^limit
    for (size_t depth = counts.size() - 1; depth > limit; depth--) {
        counts[limit] += counts[depth];
        counts[depth] = 0;
    }
    for (unsigned depth = 1; depth <= limit; depth++) taken += uint64_t{counts[depth]} << (limit - depth);
    for (; taken > uint64_t{1} << limit; taken--) {
        unsigned depth = limit - 1;
        while (counts[depth] == 0) depth--;
        counts[depth]--;
        counts[depth + 1] += 2;
        counts[limit]--;
    }
}

void give_first_two(std::span<const uint32_t> used, std::span<uint8_t> lengths) {
    const size_t symbol = used.empty() ? 0 : used[0] & symbol_mask;
    lengths[symbol] = 1;
    lengths[symbol == 0 ? 1 : 0] = 1;
}

}  // namespace

void code_lengths(std::span<const uint32_t> frequencies, unsigned limit, std::span<uint8_t> lengths) {
    std::fill(lengths.begin(), lengths.end(), uint8_t{0});
    Leaves leaves, weights;
    const std::span<uint32_t> used = used_symbols(frequencies, leaves);
    if (used.size() < 2) return give_first_two(used, lengths);

    std::transform(used.begin(), used.end(), weights.begin(), [](uint32_t leaf) { return leaf >> symbol_bits; });
    const std::span<uint32_t> tree = std::span(weights).first(used.size());
    build_tree(tree);
    LengthCounts counts;
    count_depths(tree, counts);
    limit_depths(counts, limit);

    size_t next = 0;
    for (unsigned depth = limit; depth > 0; depth--) {
        for (uint32_t i = 0; i < counts[depth]; i++) lengths[used[next++] & symbol_mask] = static_cast<uint8_t>(depth);
    }
}

void canonical_codes(std::span<const uint8_t> lengths, std::span<uint16_t> codes) {
    std::array<uint32_t, longest_code + 1> counts{}, next{};
    for (const uint8_t length : lengths) counts[length]++;
    counts[0] = 0;
    for (unsigned length = 1; length <= longest_code; length++)
        next[length] = (next[length - 1] + counts[length - 1]) << 1;
    for (size_t i = 0; i < lengths.size(); i++) {
        codes[i] = 0;
        uint32_t code = lengths[i] > 0 ? next[lengths[i]]++ : 0;
        for (unsigned bit = 0; bit < lengths[i]; bit++, code >>= 1) {
            codes[i] = static_cast<uint16_t>(codes[i] << 1 | (code & 1));
        }
    }
}

}  // namespace gbuild::deflate
