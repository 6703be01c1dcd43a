#include "gbuild/pack/options.h"

#include "fixtures.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::pack;
using namespace gbuild::pack::fixtures;

TEST_CASE("the key names every option and the format's version") {
    CHECK(PackOptions().key() == "gzip-6-131072-v5-gbuild-deflate-1");
    PackOptions options = with_codec(Codec::xz);
    options.block_size = 4096;
    CHECK(options.key().starts_with("xz-6-4096-v5-liblzma-"));
    options = {Codec::gzip, 12};
    CHECK(options.key().starts_with("gzip-12-131072-v5-libdeflate-"));
}

TEST_CASE("codecs are named as squashfs-tools name them") {
    for (Codec codec : {Codec::gzip, Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd}) {
        CHECK(parse_codec(codec_name(codec)) == codec);
    }
    CHECK(!parse_codec("lzma"));
    CHECK(!parse_codec("GZIP"));
    CHECK(!parse_codec(""));
}

TEST_CASE("a level outside the codec's range is refused with the range") {
    PackOptions options = with_codec(Codec::lzo);
    options.level = 10;
    try {
        options.check();
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(error.message() == "there is no lzo compression level 10");
        CHECK(error.hint() == "lzo has levels 1 to 9");
    }
    options.level = 0;
    CHECK_THROWS_AS(options.check(), Error);
}

TEST_CASE("a block size is a power of two from 4 KiB to 1 MiB") {
    for (uint32_t size = 4096; size <= 1 << 20; size *= 2) {
        PackOptions options;
        options.block_size = size;
        CHECK_NOTHROW(options.check());
    }
    for (uint32_t size : {0u, 1u, 2048u, 5000u, 131'073u, 1u << 21, 1u << 31}) {
        PackOptions options;
        options.block_size = size;
        CHECK_THROWS_WITH(options.check(), fmt::format("a block size of {} is not possible", size));
    }
}

TEST_CASE("standard levels lie in their ranges") {
    for (Codec codec : {Codec::gzip, Codec::lzo, Codec::lz4, Codec::xz, Codec::zstd}) {
        CHECK_NOTHROW(with_codec(codec).check());
    }
    CHECK_NOTHROW(PackOptions().check());
}

TEST_CASE("every compressor tells its version") {
    const std::vector<std::string> versions = compressor_versions();
    CHECK(versions.size() == 6);
    for (const std::string& version : versions) CHECK(version.find_first_of("0123456789") != std::string::npos);
}
