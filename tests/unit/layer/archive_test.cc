#include "compress.h"
#include "reading.h"
#include "support/catch.h"

namespace gbuild::layer {
namespace {

std::string sample_tar() { return TarBuilder().directory("d").file("d/f", sample_text(3000)).finish(); }

std::vector<std::string> all_compressions(const std::string& tar) {
    return {tar, gzip(tar), zstd(tar), filtered("xz", tar), filtered("bzip2", tar)};
}

Layer read_whole_archive(const std::string& bytes, size_t run = 1000) {
    return collect(*read_archive(source_of(bytes, run), {}));
}

bool looks_like_archive(const std::string& bytes) {
    return is_archive(as_bytes(bytes).first(std::min<size_t>(512, bytes.size())));
}

}  // namespace

TEST_CASE("archives of every compression read alike") {
    for (const std::string& bytes : all_compressions(sample_tar())) {
        CHECK(read_whole_archive(bytes).contents.at("d/f") == sample_text(3000));
        CHECK(read_whole_archive(bytes, 3).contents.at("d/f") == sample_text(3000));
    }
}

TEST_CASE("archives of every compression are told by their first bytes") {
    for (const std::string& bytes : all_compressions(sample_tar())) CHECK(looks_like_archive(bytes));
}

TEST_CASE("a tar is told by its inflated beginning, whatever its members are") {
    for (const std::string& tar : {sample_tar(), TarBuilder().file("../x").finish()}) {
        for (const std::string& bytes : all_compressions(tar)) CHECK(begins_with_tar(source_of(bytes, 3)));
    }
    for (const std::string& bytes : all_compressions(sample_text(3000))) CHECK_FALSE(begins_with_tar(source_of(bytes)));
    CHECK_FALSE(begins_with_tar(source_of("\x1f\x8b\x08 damaged")));
    const std::string cut = gzip(sample_tar());
    CHECK(begins_with_tar(source_of(cut.substr(0, cut.size() - 10))));
    CHECK_FALSE(begins_with_tar(source_of(gzip(gzip(sample_tar())))));
}

TEST_CASE("what is no archive is told by its first bytes") {
    for (const std::string& bytes :
         {std::string(), std::string("text"), std::string(512, 'x'), std::string(1024, '\0'),
          std::string("\x7f"
                      "ELF") +
              std::string(600, '\0'),
          std::string("BZh is how this text begins"), std::string("\x1f\x8b"), sample_tar().substr(0, 511)}) {
        CHECK_FALSE(looks_like_archive(bytes));
    }
}

TEST_CASE("xz and bzip2 archives cut off or damaged are refused") {
    for (const char* filter : {"xz", "bzip2"}) {
        std::string bytes = filtered(filter, sample_tar());
        CHECK_THROWS_AS(read_whole_archive(bytes.substr(0, bytes.size() / 2)), Error);
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
        CHECK_THROWS_AS(read_whole_archive(bytes), Error);
    }
}

TEST_CASE("errors of the source come through libarchive unchanged") {
    struct Breaking : ByteSource {
        explicit Breaking(std::string start) : start_(std::move(start)) {}
        std::span<const std::byte> next() override {
            if (given_) throw Error(ErrorKind::io, "disk fell off");
            given_ = true;
            return as_bytes(start_);
        }
        std::string start_;
        bool given_ = false;
    };
    const std::string bytes = filtered("xz", sample_tar());
    auto stream = read_archive(std::make_unique<Breaking>(bytes.substr(0, 40)), {});
    tree::LayerEntry entry;
    CHECK_THROWS_WITH(stream->next(entry), "disk fell off");
}

TEST_CASE("an archive's compressed text that is no tar is refused") {
    CHECK_THROWS_AS(read_whole_archive(gzip("just text")), Error);
    CHECK_THROWS_AS(read_whole_archive(filtered("xz", std::string(3000, 'x'))), Error);
}

}  // namespace gbuild::layer
