#include "compress.h"
#include "reading.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

std::string inflated(const std::string& bytes, size_t run = SIZE_MAX, uint64_t cap = 1 << 30) {
    auto source = decompress(source_of(bytes, run), "blob", cap);
    return drain(*source);
}

Error inflate_error(const std::string& bytes, uint64_t cap = 1 << 30) {
    try {
        inflated(bytes, 1000, cap);
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("no error");
}

}  // namespace

TEST_CASE("what has no magic bytes passes as it is, and so does nothing") {
    for (const std::string text : {"", "a", "\x1f", "\x1f\x8b", "plain text, longer than any magic"}) {
        CHECK(inflated(text) == text);
        CHECK(inflated(text, 1) == text);
    }
}

TEST_CASE("gzip and zstd are recognised and inflated, whatever the runs") {
    const std::string text = sample_text(2'000'000);
    for (const std::string& bytes : {gzip(text), zstd(text)}) {
        REQUIRE(bytes.size() < text.size());
        for (const size_t run : {size_t{3}, size_t{4096}, SIZE_MAX}) CHECK(inflated(bytes, run) == text);
    }
}

TEST_CASE("all members of a gzip stream are inflated, wherever runs end") {
    std::string bytes;
    std::string text;
    for (size_t i = 0; i < 40; ++i) {
        const std::string part = sample_text(i * 37);
        bytes += gzip(part);
        text += part;
    }
    for (size_t run = 1; run < 30; ++run) CHECK(inflated(bytes, run) == text);
    CHECK(inflated(bytes) == text);
}

TEST_CASE("a gzip stream of nothing inflates to nothing") { CHECK(inflated(gzip("")).empty()); }

TEST_CASE("junk after the last gzip member is ignored, and read") {
    struct Counting : OwnedSource {
        Counting(std::string bytes, size_t& count) : OwnedSource(std::move(bytes), 5), count_(count) {}
        std::span<const std::byte> next() override {
            const auto run = OwnedSource::next();
            count_ += run.size();
            return run;
        }
        size_t& count_;
    };
    for (const std::string& junk :
         {std::string(100, '\0'), std::string("x"), std::string("\x1f"), std::string("\x1fx")}) {
        const std::string bytes = gzip("text") + junk;
        size_t count = 0;
        auto source = decompress(std::make_unique<Counting>(bytes, count), "blob");
        CHECK(drain(*source) == "text");
        CHECK(count == bytes.size());
    }
}

TEST_CASE("a gzip header may have a name, a comment and extra bytes") {
    const std::string plain = gzip(sample_text(5000));
    std::string header = plain.substr(0, 10);
    header[3] = 4 | 8 | 16;
    const std::string bytes =
        header + std::string("\x05\0extra", 7) + std::string(3000, 'n') + '\0' + "comment" + '\0' + plain.substr(10);
    for (const size_t run : {size_t{1}, size_t{13}, size_t{100}, size_t{3015}, SIZE_MAX}) {
        CHECK(inflated(bytes, run) == sample_text(5000));
    }
}

TEST_CASE("an unknown gzip method or flag is refused") {
    std::string bytes = gzip("text");
    bytes[3] = '\x20';
    CHECK(inflate_error(bytes).message() == "blob is damaged: gzip: unknown method or flags");
    const std::string second = gzip("text").replace(2, 1, "\x07");
    CHECK(inflate_error(gzip("text") + second).message() == "blob is damaged: gzip: unknown method or flags");
}

TEST_CASE("a gzip stream with a wrong checksum or length is refused") {
    const std::string good = gzip(sample_text(10000));
    for (size_t back = 1; back <= 8; ++back) {
        std::string bytes = good;
        bytes[bytes.size() - back] = static_cast<char>(bytes[bytes.size() - back] ^ 0x10);
        CHECK(inflate_error(bytes).message() == "blob is damaged: gzip: wrong checksum");
    }
}

TEST_CASE("a gzip stream cut off anywhere is refused") {
    const std::string bytes = gzip(sample_text(300));
    for (size_t cut = 3; cut < bytes.size(); ++cut) {
        CAPTURE(cut);
        CHECK(inflate_error(bytes.substr(0, cut)).message() == "blob is damaged: gzip: ends early");
    }
}

TEST_CASE("a second gzip member cut off is refused") {
    const std::string first = gzip("first");
    const std::string bytes = first + gzip(sample_text(300));
    for (size_t cut = first.size() + 2; cut < bytes.size(); ++cut) {
        CHECK(inflate_error(bytes.substr(0, cut)).kind() == ErrorKind::integrity);
    }
}

TEST_CASE("a zstd stream cut off anywhere is refused") {
    const std::string bytes = zstd(sample_text(300));
    for (size_t cut = 4; cut < bytes.size(); ++cut) {
        CHECK(inflate_error(bytes.substr(0, cut)).message() == "blob is damaged: zstd: ends early");
    }
}

TEST_CASE("zstd frames follow each other, skippable ones anywhere") {
    const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
    const std::string bytes = skippable + zstd("one ") + skippable + zstd("two") + skippable;
    for (const size_t run : {size_t{1}, size_t{7}, SIZE_MAX}) CHECK(inflated(bytes, run) == "one two");
}

TEST_CASE("junk after a zstd stream is refused") {
    CHECK(inflate_error(zstd("text") + "junk junk junk").kind() == ErrorKind::integrity);
}

TEST_CASE("a zstd frame that wants a larger window than 128 MiB is refused") {
    // Magic, a frame header without content size, window descriptor 2^28.
    CHECK(inflate_error(std::string("\x28\xb5\x2f\xfd\x00\x90", 6) + std::string(20, '\0')).kind() == ErrorKind::limit);
}

TEST_CASE("a bomb is refused at the cap") {
    const std::string zeros(4'000'000, '\0');
    for (const std::string& bytes : {gzip(zeros), zstd(zeros), zeros}) {
        CHECK(inflated(bytes, SIZE_MAX, 4'000'000) == zeros);
        const Error error = inflate_error(bytes, 3'999'999);
        CHECK(error.kind() == ErrorKind::limit);
        CHECK(error.message() == "blob inflates to more than 4.0 MB");
    }
}

TEST_CASE("a layer whose first file is named like another compressor's magic is a tar") {
    const std::string tar = TarBuilder().file("BZh91AY&SY").finish();
    CHECK(inflated(tar) == tar);
}

}  // namespace gbuild::layer
