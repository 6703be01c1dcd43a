#include "block_splitter.h"

#include <algorithm>

namespace gbuild::deflate {
namespace {

// Counts literals in two places, since a processor waits for the same counter twice in a row.
struct LiteralCounts {
    std::array<uint32_t, 256> even{}, odd{};

    void count(const std::byte* next, const std::byte* end) {
        for (; next + 1 < end; next += 2) {
            even[static_cast<uint8_t>(next[0])]++;
            odd[static_cast<uint8_t>(next[1])]++;
        }
        if (next < end) even[static_cast<uint8_t>(*next)]++;
    }
    void add_to(Histogram& histogram) const {
        for (size_t i = 0; i < 256; i++) histogram.literals[i] += even[i] + odd[i];
    }
};

Stretch next_piece(const MatchedText& text, uint32_t begin, uint32_t first_match, uint32_t least_symbols) {
    const auto length = static_cast<uint32_t>(text.bytes.size());
    const auto matches = static_cast<uint32_t>(text.matches.size());
    Stretch piece{begin, begin, first_match, first_match, {}};
    LiteralCounts literals;
    for (uint32_t symbols = 0; piece.end < length && symbols < least_symbols;) {
        const bool last = piece.end_match == matches;
        // A long run of literals is cut: it may be as long as the text.
        const uint32_t literals_end = last ? length : text.matches[piece.end_match].position;
        const uint32_t stop = std::min(literals_end, piece.end + (least_symbols - symbols));
        literals.count(text.bytes.data() + piece.end, text.bytes.data() + stop);
        symbols += stop - piece.end;
        piece.end = stop;
        if (last || stop < literals_end) continue;
        const Match& match = text.matches[piece.end_match++];
        piece.histogram.literals[first_length + slot_of_length[match.length]]++;
        piece.histogram.distances[slot_of_distance(match.distance)]++;
        piece.end += match.length;
        symbols++;
    }
    literals.add_to(piece.histogram);
    piece.histogram.literals[end_of_block] = 1;
    return piece;
}

}  // namespace

void split_into_blocks(const MatchedText& text, uint32_t piece_symbols, std::vector<Stretch>& stretches) {
    stretches.clear();
    uint64_t cost = 0;  // of the last stretch
    uint32_t begin = 0, first_match = 0;
    do {
        const Stretch piece = next_piece(text, begin, first_match, piece_symbols);
        begin = piece.end;
        first_match = piece.end_match;
        const uint64_t piece_cost = estimated_cost(piece.histogram);
        if (!stretches.empty()) {
            Stretch& last = stretches.back();
            const uint64_t joined = estimated_cost(last.histogram, piece.histogram);
            if (joined <= cost + piece_cost) {
                last.histogram.add(piece.histogram);
                last.histogram.literals[end_of_block] = 1;
                last.end = piece.end;
                last.end_match = piece.end_match;
                cost = joined;
                continue;
            }
        }
        stretches.push_back(piece);
        cost = piece_cost;
    } while (begin < text.bytes.size());
}

}  // namespace gbuild::deflate
