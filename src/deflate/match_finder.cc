#include "match_finder.h"

#include <algorithm>
#include <array>

namespace gbuild::deflate {
namespace {

// A match of three bytes from far away costs more than three literals.
constexpr uint32_t far_for_three = 8192;

// Where few different bytes occur, literals are short, and so short matches cost more than they save. Judged by the
// first bytes, as that is what there is before the first match is looked for.
uint32_t worthwhile_length(const std::byte* text, uint32_t length) {
    constexpr uint32_t looked_at = 4096;
    std::array<bool, 256> seen{};
    for (uint32_t i = 0; i < std::min(length, looked_at); i++) seen[static_cast<uint8_t>(text[i])] = true;
    const auto different = std::count(seen.begin(), seen.end(), true);
    if (different <= 4) return 8;
    if (different <= 8) return 7;
    if (different <= 16) return 6;

    return shortest_match;
}

int magnitude(uint32_t distance) { return static_cast<int>(std::bit_width(distance)); }

// A match that begins `steps` positions later and is worth waiting for: each byte of length counts for four, each
// doubling of the distance against one, each literal in between for some.
[[gnu::always_inline]] inline Found better(const HashChains& chains, const Effort& effort, uint32_t position,
                                           const Found& than, unsigned steps) {
    const Found later = chains.find(position, than.length - 1, effort.depth >> steps, effort.enough);
    const int gain = 4 * (static_cast<int>(later.length) - static_cast<int>(than.length)) + magnitude(than.distance) -
                     magnitude(later.distance);
    const int price = steps == 1 ? 2 : 6;
    return later.length > 0 && gain > price ? later : Found{};
}

}  // namespace

std::span<const Match> MatchFinder::find(const std::byte* text, uint32_t length) {
    const HashChains chains(tables_, text, length);
    const Effort effort = effort_;
    const uint32_t least = worthwhile_length(text, length);
    if (matches_.size() < length / shortest_match) matches_.resize(length / shortest_match);
    Match* next = matches_.data();
    for (uint32_t position = 0; position < length;) {
        Found match = chains.find(position, least - 1, effort.depth, effort.enough);
        if (match.length == 0 || (match.length == shortest_match && match.distance > far_for_three)) {
            position++;
            continue;
        }
        uint32_t entered = position + 1;  // by the chains
        while (match.length < effort.enough && effort.ahead > 0 && entered < length) {
            Found later = better(chains, effort, entered++, match, 1);
            if (later.length == 0) {
                if (effort.ahead < 2 || entered >= length) break;
                later = better(chains, effort, entered++, match, 2);
                if (later.length == 0) break;
            }
            position = entered - 1;
            match = later;
        }
        *next++ = {position, static_cast<uint16_t>(match.length), static_cast<uint16_t>(match.distance)};
        position += match.length;
        if (position > entered) chains.enter(entered, position - entered);
    }
    return {matches_.data(), next};
}

}  // namespace gbuild::deflate
