// The encoder, on any bytes and at any level: zlib and libdeflate make the same bytes of every stream.
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "fuzzing.h"
#include "gbuild/deflate/encoder.h"

using namespace gbuild;

namespace {

constexpr size_t longest_text = 1 << 18;

void require(bool holds) {
    if (!holds) std::abort();
}

// Bytes 0 to 31 repeat what was before: a fuzzer finds no long matches by itself.
std::string unfolded(std::string_view input) {
    std::string text;
    for (size_t i = 0; i < input.size() && text.size() < longest_text; i++) {
        const auto byte = static_cast<unsigned char>(input[i]);
        if (byte >= 32 || text.empty() || i + 1 == input.size()) {
            text += input[i];
            continue;
        }
        const size_t distance = std::min(text.size(), size_t{1} << byte % 16) - byte / 16;
        const size_t length = 3 + static_cast<unsigned char>(input[++i]);
        for (size_t n = 0; n < length && distance > 0; n++) text += text[text.size() - distance];
    }
    return text;
}

void check_zlib(const std::string& stream, const std::string& text, int window_bits) {
    std::string back(text.size() + 1, '\0');
    z_stream state{};
    require(::inflateInit2(&state, window_bits) == Z_OK);
    state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stream.data()));
    state.avail_in = static_cast<uInt>(stream.size());
    state.next_out = reinterpret_cast<Bytef*>(back.data());
    state.avail_out = static_cast<uInt>(back.size());
    require(::inflate(&state, Z_FINISH) == Z_STREAM_END && state.avail_in == 0);
    back.resize(state.total_out);
    require(::inflateEnd(&state) == Z_OK && back == text);
}

using Decompress = libdeflate_result (*)(libdeflate_decompressor*, const void*, size_t, void*, size_t, size_t*,
                                         size_t*);

void check_libdeflate(const std::string& stream, const std::string& text, Decompress decompress) {
    const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    std::string back(text.size(), '\0');
    size_t taken = 0, made = 0;
    require(decompress(decompressor.get(), stream.data(), stream.size(), back.data(), back.size(), &taken, &made) ==
            LIBDEFLATE_SUCCESS);
    require(taken == stream.size() && made == text.size() && back == text);
}

}  // namespace

// The first byte says which level, and whether the text is unfolded first.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view rest = fuzz::text_of(data + 1, size - 1);
    const std::string text = data[0] < 128 ? unfolded(rest) : std::string(rest);
    deflate::Encoder encoder(deflate::lowest_level + data[0] % deflate::highest_level);
    std::string stream(deflate::longest_stream(text.size()), '\0');
    for (const bool gzip : {false, true}) {
        const std::span<std::byte> room = std::as_writable_bytes(std::span(stream));
        const size_t length = gzip ? encoder.gzip(as_bytes(text), room) : encoder.zlib(as_bytes(text), room);
        require(length > 0);
        const std::string written = stream.substr(0, length);
        check_zlib(written, text, gzip ? 15 + 16 : 15);
        check_libdeflate(written, text, gzip ? ::libdeflate_gzip_decompress_ex : ::libdeflate_zlib_decompress_ex);
    }
    return 0;
}
