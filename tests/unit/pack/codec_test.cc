#include "gbuild/pack/codec.h"

#include "fixtures.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::pack;
using namespace gbuild::pack::fixtures;

namespace {

constexpr Codec all_codecs[] = {Codec::gzip, Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd};

std::string compress(const PackOptions& options, const std::string& text) {
    std::string out(text.size(), '\0');
    out.resize(make_compressor(options)->compress(as_bytes(text), std::as_writable_bytes(std::span(out))));
    return out;
}

std::string decompress(Codec codec, std::string_view bytes, size_t room) {
    std::string out(room, '\0');
    out.resize(make_decompressor(codec)->decompress(as_bytes(bytes), std::as_writable_bytes(std::span(out))));
    return out;
}

}  // namespace

TEST_CASE("every level of every codec gives a block back") {
    const std::string text = prose(20'000, 1);
    for (Codec codec : all_codecs) {
        const LevelRange range = level_range(codec);
        for (int level = range.lowest; level <= range.highest; level++) {
            CAPTURE(codec_name(codec), level);
            PackOptions options = with_codec(codec);
            options.level = level;
            const std::string compressed = compress(options, text);
            CHECK(compressed.size() < text.size() / 2);
            CHECK(!compressed.empty());
            CHECK(decompress(codec, compressed, text.size()) == text);
        }
    }
}

TEST_CASE("a compressor used before gives the bytes of a fresh one") {
    for (Codec codec : all_codecs) {
        CAPTURE(codec_name(codec));
        const auto used = make_compressor(with_codec(codec));
        const std::string other = noise(50'000, 2) + prose(50'000, 3);
        std::string out(100'000, '\0');
        used->compress(as_bytes(other), std::as_writable_bytes(std::span(out)));
        const std::string text = prose(30'000, 4);
        out.resize(used->compress(as_bytes(text), std::as_writable_bytes(std::span(out))));
        CHECK(out == compress(with_codec(codec), text));
    }
}

TEST_CASE("what would not get smaller is left alone") {
    for (Codec codec : all_codecs) {
        CAPTURE(codec_name(codec));
        CHECK(compress(with_codec(codec), noise(4096, 5)).empty());
        CHECK(compress(with_codec(codec), "x").empty());
    }
}

TEST_CASE("a result that does not fit is not written") {
    const std::string text = prose(8192, 6);
    for (Codec codec : all_codecs) {
        CAPTURE(codec_name(codec));
        std::string out(100, '\0');
        CHECK(make_compressor(with_codec(codec))->compress(as_bytes(text), std::as_writable_bytes(std::span(out))) ==
              0);
    }
}

TEST_CASE("decompressing more than there is room for is an integrity error") {
    const std::string text = prose(8192, 7);
    for (Codec codec : all_codecs) {
        CAPTURE(codec_name(codec));
        const std::string compressed = compress(with_codec(codec), text);
        REQUIRE_THROWS_WITH(decompress(codec, compressed, text.size() - 1),
                            fmt::format("a {} block is damaged", codec_name(codec)));
    }
}

TEST_CASE("damaged blocks never write past their room") {
    const std::string text = prose(2000, 8);
    for (Codec codec : all_codecs) {
        const std::string compressed = compress(with_codec(codec), text);
        for (size_t i = 0; i < compressed.size(); i++) {
            for (int flip : {0x01, 0x80, 0xff}) {
                std::string damaged = compressed;
                damaged[i] = static_cast<char>(damaged[i] ^ flip);
                try {
                    const size_t length = decompress(codec, damaged, text.size()).size();
                    CHECK(length <= text.size());
                } catch (const Error& error) {
                    CHECK(error.kind() == ErrorKind::integrity);
                }
            }
            CHECK_THROWS_AS(decompress(codec, {}, text.size()), Error);
        }
    }
}

TEST_CASE("squashfs's numbers for codecs") {
    CHECK(squashfs_id(Codec::gzip) == 1);
    CHECK(squashfs_id(Codec::zstd) == 6);
    for (Codec codec : all_codecs) CHECK(codec_of_squashfs_id(squashfs_id(codec)) == codec);
    CHECK(!codec_of_squashfs_id(2));  // lzma
    CHECK(!codec_of_squashfs_id(7));
}

TEST_CASE("only lz4 needs stored options at its standard level") {
    for (Codec codec : all_codecs) CHECK(stored_options(with_codec(codec)).empty() == (codec != Codec::lz4));
    const std::vector<std::byte> options = stored_options(with_codec(Codec::lz4));
    CHECK(as_text(options) == std::string_view("\x01\0\0\0\x01\0\0\0", 8));
}

TEST_CASE("lz4's lowest level is not its high compression mode") {
    PackOptions options = with_codec(Codec::lz4);
    options.level = 1;
    const std::vector<std::byte> stored = stored_options(options);
    CHECK(as_text(stored) == std::string_view("\x01\0\0\0\0\0\0\0", 8));
}
