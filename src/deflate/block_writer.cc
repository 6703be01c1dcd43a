#include "block_writer.h"

#include <algorithm>

#include "block_codes.h"
#include "huffman.h"

namespace gbuild::deflate {
namespace {

constexpr uint32_t longest_stored = 65535;
enum : unsigned { type_stored = 0, type_fixed = 1, type_dynamic = 2 };

// Bits of a code and what is known of the bits behind it, ready to be put.
struct Entry {
    uint32_t bits;
    uint32_t count;
};

class SymbolWriter {
  public:
    SymbolWriter(const BlockCodes& codes, BitWriter& out) : out_(out) {
        std::array<uint16_t, literal_count + 2> literal_codes{};
        std::array<uint16_t, distance_count + 2> distance_codes{};
        canonical_codes(codes.literal_lengths, literal_codes);
        canonical_codes(codes.distance_lengths, distance_codes);
        for (size_t i = 0; i < literals_.size(); i++) literals_[i] = {literal_codes[i], codes.literal_lengths[i]};
        for (size_t i = 0; i < distance_count; i++) distances_[i] = {distance_codes[i], codes.distance_lengths[i]};
        for (uint32_t length = shortest_match; length <= longest_match; length++) {
            const unsigned slot = slot_of_length[length];
            const Entry& code = literals_[first_length + slot];
            lengths_[length] = {code.bits | (length - length_slot_table[slot].base) << code.count,
                                code.count + length_slot_table[slot].extra};
        }
    }

    void write(const MatchedText& text, const Stretch& stretch) {
        uint32_t position = stretch.begin;
        for (const Match& match : text.matches.subspan(stretch.first_match, stretch.end_match - stretch.first_match)) {
            literals(text.bytes.data() + position, text.bytes.data() + match.position);
            put(lengths_[match.length]);
            const unsigned slot = slot_of_distance(match.distance);
            put(distances_[slot]);
            out_.put(match.distance - distance_slot_table[slot].base, distance_slot_table[slot].extra);
            out_.flush();
            position = match.position + match.length;
        }
        literals(text.bytes.data() + position, text.bytes.data() + stretch.end);
        put(literals_[end_of_block]);
        out_.flush();
    }

  private:
    void put(const Entry& entry) { out_.put(entry.bits, entry.count); }

    void literals(const std::byte* next, const std::byte* end) {
        static_assert(4 * longest_literal_code <= 56);
        for (; end - next >= 4; next += 4) {
            for (unsigned i = 0; i < 4; i++) put(literals_[static_cast<uint8_t>(next[i])]);
            out_.flush();
        }
        for (; next < end; next++) put(literals_[static_cast<uint8_t>(*next)]);
        out_.flush();
    }

    BitWriter& out_;
    std::array<Entry, literal_count + 2> literals_{};
    std::array<Entry, distance_count> distances_{};
    std::array<Entry, longest_match + 1> lengths_{};
};

void write_stored(std::span<const std::byte> bytes, bool last, BitWriter& out) {
    do {
        const auto piece = bytes.first(std::min<size_t>(bytes.size(), longest_stored));
        bytes = bytes.subspan(piece.size());
        out.put(last && bytes.empty() ? 1 : 0, 1);
        out.put(type_stored, 2);
        out.align();
        out.put(piece.size(), 16);
        out.put(~piece.size() & 0xffff, 16);
        out.flush();
        out.bytes(piece);
    } while (!bytes.empty());
}

uint64_t stored_bits(const Stretch& stretch, unsigned held) {
    const uint64_t length = stretch.end - stretch.begin;
    const uint64_t pieces = std::max<uint64_t>(1, (length + longest_stored - 1) / longest_stored);
    const unsigned padding = 7 - (held + 2) % 8;  // after the three bits of the first piece's header
    return 3 + padding + 32 + (pieces - 1) * 40 + 8 * length;
}

}  // namespace

void write_block(const MatchedText& text, const Stretch& stretch, bool last, BitWriter& out) {
    const BlockCodes dynamic = codes_for(stretch.histogram);
    static const BlockCodes fixed = fixed_codes();
    const BlockHeader header(dynamic);
    const uint64_t dynamic_bits = 3 + header.bits() + dynamic.bits(stretch.histogram);
    const uint64_t fixed_bits = 3 + fixed.bits(stretch.histogram);
    if (stored_bits(stretch, out.held_bits()) < std::min(dynamic_bits, fixed_bits)) {
        write_stored(text.bytes.subspan(stretch.begin, stretch.end - stretch.begin), last, out);
        return;
    }
    const bool is_dynamic = dynamic_bits <= fixed_bits;
    out.put(last ? 1 : 0, 1);
    out.put(is_dynamic ? type_dynamic : type_fixed, 2);
    out.flush();
    if (is_dynamic) header.write(out);
    SymbolWriter(is_dynamic ? dynamic : fixed, out).write(text, stretch);
}

}  // namespace gbuild::deflate
