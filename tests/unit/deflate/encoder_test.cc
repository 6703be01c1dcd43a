#include "gbuild/deflate/encoder.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zlib.h>

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/deflate/match.h"
#include "samples.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::deflate;
using namespace gbuild::deflate::samples;

namespace {

std::string zlib_stream(Encoder& encoder, std::string_view text) {
    std::string out(longest_stream(text.size()), '\0');
    out.resize(encoder.zlib(as_bytes(text), std::as_writable_bytes(std::span(out))));
    return out;
}

std::string zlib_stream(std::string_view text, int level = standard_level) {
    Encoder encoder(level);
    return zlib_stream(encoder, text);
}

std::string by_libdeflate(std::string_view stream, size_t length) {
    const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    std::string text(length, '\0');
    size_t got = 0, taken = 0;
    REQUIRE(libdeflate_zlib_decompress_ex(decompressor.get(), stream.data(), stream.size(), text.data(), length, &taken,
                                          &got) == LIBDEFLATE_SUCCESS);
    CHECK(taken == stream.size());
    text.resize(got);
    return text;
}

std::string by_zlib(std::string_view stream, size_t length) {
    std::string text(length + 1, '\0');
    auto got = static_cast<uLongf>(text.size());
    REQUIRE(uncompress(reinterpret_cast<Bytef*>(text.data()), &got, reinterpret_cast<const Bytef*>(stream.data()),
                       static_cast<uLong>(stream.size())) == Z_OK);
    text.resize(got);
    return text;
}

std::string by_isal(std::string_view stream, size_t length) {
    std::string text(length + 1, '\0');
    inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_ZLIB;
    state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(stream.data()));
    state.avail_in = static_cast<uint32_t>(stream.size());
    state.next_out = reinterpret_cast<uint8_t*>(text.data());
    state.avail_out = static_cast<uint32_t>(text.size());
    REQUIRE(isal_inflate(&state) == ISAL_DECOMP_OK);
    REQUIRE(state.block_state == ISAL_BLOCK_FINISH);
    text.resize(state.total_out);
    return text;
}

void check_all_readers(const std::string& text, const std::string& stream) {
    CHECK(by_libdeflate(stream, text.size()) == text);
    CHECK(by_zlib(stream, text.size()) == text);
    CHECK(by_isal(stream, text.size()) == text);
}

std::string repeated(const std::string& part, size_t times) {
    std::string text;
    for (size_t i = 0; i < times; i++) text += part;
    return text;
}

struct Sample {
    const char* name;
    std::string text;
    const char* golden;  // first half of the SHA-256 of the zlib stream at the standard level
};

std::vector<Sample> all_samples() {
    return {
        {"empty", "", "aca503def43dc086a5aaa5c3d6f86bcb"},
        {"one byte", "x", "89ae37767e1c0fd466485d9c3997ba1e"},
        {"two bytes", "xy", "965f3d960673f49269e9911a5e8dd038"},
        {"zeros", std::string(131072, '\0'), "4bedca6634bb3b0756ead1dd5ec37c45"},
        {"noise", noise(131072, 1), "5fbfd28998c7c48a118ea532a8b6712e"},
        {"prose", prose(131072, 2), "9ae9070db699fc73c607606b9d747bbe"},
        {"binary", binary(131072, 3), "19bc130d29abc7b380650471ff4bd133"},
        {"four letters", noise(100'000, 4, 4), "8b536f9fdffa5325a813256952b185e0"},
        {"two bytes at random", noise(65'536, 5, 2), "8c977f9b6d1554695dea755b7f1cd4aa"},
        {"a period of a window", repeated(noise(window_size, 6), 4), "55deb6ad6208b6b43d7341ea26adf3eb"},
        {"a period of a window less one", repeated(noise(window_size - 1, 7), 4), "2c724f4bcb499b47e6bb9e95ca51c668"},
        {"noise then prose then noise", noise(40'000, 8) + prose(50'000, 9) + noise(41'072, 10),
         "6d3971861596b568685c6776c17f76a2"},
        {"a megabyte", binary(1 << 20, 11), "c5f2c81377613a3c471548a68161c5e4"},
        {"a long run in noise", noise(5000, 12) + std::string(10'000, 'a') + noise(5000, 13),
         "2408e41740fb5bfd41dbce6aad86335f"},
        {"an odd length", prose(4097, 14), "b3df45ce49a740b20b710f57f971b2e6"},
    };
}

}  // namespace

TEST_CASE("every reader takes every level's streams") {
    for (const Sample& sample : all_samples()) {
        for (int level = lowest_level; level <= highest_level; level++) {
            CAPTURE(sample.name, level);
            check_all_readers(sample.text, zlib_stream(sample.text, level));
        }
    }
}

TEST_CASE("every short length") {
    Encoder encoder(standard_level);
    const std::string text = prose(40, 20) + std::string(40, 'a') + noise(40, 21) + binary(200, 22);
    for (size_t length = 0; length <= text.size(); length++) {
        CAPTURE(length);
        const std::string part = text.substr(0, length);
        check_all_readers(part, zlib_stream(encoder, part));
    }
}

TEST_CASE("random mixtures of literals and repetitions") {
    Random random(30);
    Encoder encoder(standard_level);
    for (int round = 0; round < 300; round++) {
        std::string text;
        while (text.size() < 20'000 && random.below(200) > 0) {
            const uint32_t length = 1 + random.below(random.below(4) == 0 ? 3000 : 12);
            if (text.empty() || random.below(2) == 0) {
                text += noise(length, random.below(1 << 30), 1 + random.below(256));
            } else {
                const size_t from = random.below(static_cast<uint32_t>(text.size()));
                for (uint32_t i = 0; i < length; i++) text += text[from + i];
            }
        }
        CAPTURE(round, text.size());
        check_all_readers(text, zlib_stream(encoder, text));
    }
}

TEST_CASE("golden bytes: these change only together with encoder_version") {
    for (const Sample& sample : all_samples()) {
        CAPTURE(sample.name);
        const std::string stream = zlib_stream(sample.text);
        CHECK(Digest::of_sha256(sha256(as_bytes(stream))).text().substr(7, 32) == sample.golden);
    }
}

TEST_CASE("an encoder used before gives the bytes of a fresh one") {
    Encoder used(standard_level);
    for (const Sample& sample : all_samples()) {
        CAPTURE(sample.name);
        CHECK(zlib_stream(used, sample.text) == zlib_stream(sample.text));
    }
}

TEST_CASE("a stream that does not fit is not written") {
    const std::string text = prose(10'000, 40);
    Encoder encoder(standard_level);
    const size_t length = zlib_stream(encoder, text).size();
    std::vector<std::byte> room(length);
    CHECK(encoder.zlib(as_bytes(text), std::span(room).first(length - 1)) == 0);
    CHECK(encoder.zlib(as_bytes(text), room) == length);
}

TEST_CASE("bytes that cannot be compressed cost a few more, and never more than was said") {
    for (const size_t length : {0ul, 1ul, 65'535ul, 65'536ul, 200'000ul, size_t{1} << 20}) {
        CAPTURE(length);
        const size_t size = zlib_stream(noise(length, 41)).size();
        CHECK(size <= longest_stream(length));
        CHECK(size <= length + length / 4000 + 20);
    }
}

TEST_CASE("gzip members have no name and no time, and are read by zlib") {
    const std::string text = prose(50'000, 50);
    Encoder encoder(standard_level);
    std::string out(longest_stream(text.size()), '\0');
    out.resize(encoder.gzip(as_bytes(text), std::as_writable_bytes(std::span(out))));
    CHECK(out.substr(0, 10) == std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));

    std::string back(text.size(), '\0');
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(out.data());
    stream.avail_in = static_cast<uInt>(out.size());
    stream.next_out = reinterpret_cast<Bytef*>(back.data());
    stream.avail_out = static_cast<uInt>(back.size());
    CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    CHECK(stream.avail_in == 0);
    CHECK(inflateEnd(&stream) == Z_OK);
    CHECK(back == text);
}

TEST_CASE("no stream is much larger than libdeflate's of the same level") {
    const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> peer(
        libdeflate_alloc_compressor(standard_level), libdeflate_free_compressor);
    for (const Sample& sample : all_samples()) {
        CAPTURE(sample.name);
        std::string out(longest_stream(sample.text.size()), '\0');
        const size_t theirs =
            libdeflate_zlib_compress(peer.get(), sample.text.data(), sample.text.size(), out.data(), out.size());
        CHECK(zlib_stream(sample.text).size() <= theirs + theirs / 25 + 64);
    }
}
