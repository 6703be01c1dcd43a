#include "gbuild/deflate/encoder.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "block_writer.h"
#include "gbuild/base/error.h"
#include "match_finder.h"

namespace gbuild::deflate {
namespace {

constexpr uint32_t piece_symbols = 2000;
constexpr size_t zlib_frame = 2 + 4, gzip_frame = 10 + 8;
constexpr unsigned stored_header = 5;

Effort effort_of(int level) {
    switch (level) {
    case 1: return {2, 16, 0};
    case 2: return {6, 16, 0};
    case 3: return {12, 24, 0};
    case 4: return {16, 32, 0};
    case 5: return {16, 32, 1};
    case 6: return {24, 64, 1};
    case 7: return {100, 128, 1};
    case 8: return {300, longest_match, 2};
    case 9: return {600, longest_match, 2};
    default: throw Error(ErrorKind::internal, "no such deflate level");
    }
}

}  // namespace

struct Encoder::State {
    explicit State(int level) : finder(effort_of(level)) {}

    // The deflate stream of `in` to the end of what `compressed` holds.
    void append(std::span<const std::byte> in) {
        text.resize(in.size() + HashChains::readable_behind);
        if (!in.empty()) std::memcpy(text.data(), in.data(), in.size());
        std::memset(text.data() + in.size(), 0, HashChains::readable_behind);
        const MatchedText matched{std::span(text).first(in.size()),
                                  finder.find(text.data(), static_cast<uint32_t>(in.size()))};
        split_into_blocks(matched, piece_symbols, stretches);
        BitWriter out(compressed.data() + used);
        for (const Stretch& stretch : stretches) write_block(matched, stretch, &stretch == &stretches.back(), out);
        out.align();
        used = static_cast<size_t>(out.end() - compressed.data());
    }

    void begin(std::span<const std::byte> in, std::initializer_list<uint8_t> header) {
        if (in.size() > longest_input) throw Error(ErrorKind::internal, "too much for one deflate stream");
        compressed.resize(longest_stream(in.size()) + BitWriter::slack);
        used = 0;
        for (const uint8_t byte : header) compressed[used++] = std::byte{byte};
    }

    void little_endian(uint32_t number) {
        for (unsigned i = 0; i < 4; i++) compressed[used++] = static_cast<std::byte>(number >> (8 * i));
    }
    void big_endian(uint32_t number) {
        for (unsigned i = 4; i-- > 0;) compressed[used++] = static_cast<std::byte>(number >> (8 * i));
    }

    size_t copy_to(std::span<std::byte> out) const {
        if (used > out.size()) return 0;
        std::memcpy(out.data(), compressed.data(), used);
        return used;
    }

    MatchFinder finder;
    std::vector<std::byte> text, compressed;
    size_t used = 0;  // of `compressed`
    std::vector<Stretch> stretches;
};

Encoder::Encoder(int level) : state_(std::make_unique<State>(level)) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;

size_t Encoder::zlib(std::span<const std::byte> in, std::span<std::byte> out) {
    state_->begin(in, {0x78, 0x9c});
    state_->append(in);
    state_->big_endian(libdeflate_adler32(1, in.data(), in.size()));
    return state_->copy_to(out);
}

size_t Encoder::gzip(std::span<const std::byte> in, std::span<std::byte> out) {
    // No name, no time, "unknown" as the operating system.
    state_->begin(in, {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff});
    state_->append(in);
    state_->little_endian(libdeflate_crc32(0, in.data(), in.size()));
    state_->little_endian(static_cast<uint32_t>(in.size()));
    return state_->copy_to(out);
}

size_t longest_stream(size_t length) {
    // At worst every piece is a stored block of its own.
    return length + stored_header * (length / piece_symbols + length / 65535 + 2) + std::max(zlib_frame, gzip_frame);
}

}  // namespace gbuild::deflate
