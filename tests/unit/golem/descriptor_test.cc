#include "gbuild/golem/descriptor.h"

#include <fcntl.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "support/catch.h"

namespace gbuild::golem {

namespace {

constexpr uint64_t mib = uint64_t{1} << 20;

Descriptor built(const std::string& text, uint64_t chunk_size, size_t run) {
    DescriptorBuilder builder(chunk_size);
    for (size_t at = 0; at < text.size(); at += run) builder.update(as_bytes(std::string_view(text).substr(at, run)));
    return builder.finish();
}

std::string hex_of(const std::string& bytes) { return to_hex(as_bytes(bytes)); }

}  // namespace

TEST_CASE("a descriptor has the bytes that the registry expects") {
    const Descriptor descriptor = built("abcdefg", 3, 7);
    const std::string expected = std::string("0000000333333334") + "0000000000000007" + "0000000000000003" +
                                 descriptor.hash().hex + std::string(Digest::of("abc").hex()) +
                                 std::string(Digest::of("def").hex()) + std::string(Digest::of("g").hex());
    CHECK(hex_of(descriptor.encode()) == expected);
    CHECK(descriptor.id() == Digest::of(descriptor.encode()).hex());
    // echo -n abcdefg | openssl sha3-224
    CHECK(descriptor.hash().hex == "8a00ff4ec6b96377f1e69b2f72ed3c8da4bfe2f2f8357dc2aac13433");
    CHECK(descriptor.chunk_offset(2) == 6);
    CHECK(descriptor.chunk_length(1) == 3);
    CHECK(descriptor.chunk_length(2) == 1);
}

TEST_CASE("a descriptor is the same however the bytes come by") {
    const std::string text(1000, 'x');
    for (uint64_t chunk : {1, 7, 100, 1000, 4096}) {
        for (size_t run : {1, 13, 1000}) CHECK(built(text, chunk, run).encode() == built(text, chunk, 1000).encode());
    }
    CHECK(built(text, 100, 1000).chunks.size() == 10);
    CHECK(built("", 100, 1).chunks.empty());
}

TEST_CASE("the chunk size grows with the file, from strictly above each limit") {
    CHECK(usual_chunk_size(0) == 2 * mib);
    CHECK(usual_chunk_size(200 * mib) == 2 * mib);
    CHECK(usual_chunk_size(200 * mib + 1) == 5 * mib);
    CHECK(usual_chunk_size(500 * mib + 1) == 10 * mib);
    CHECK(usual_chunk_size(1024 * mib) == 10 * mib);
    CHECK(usual_chunk_size(1024 * mib + 1) == 20 * mib);
    CHECK(usual_chunk_size(2048 * mib + 1) == 50 * mib);
    CHECK(usual_chunk_size(5 * 1024 * mib) == 50 * mib);
    CHECK(usual_chunk_size(5 * 1024 * mib + 1) == 100 * mib);
}

TEST_CASE("a file is described in one pass that can be stopped") {
    TempDir dir;
    const auto path = dir.path() / "file";
    const std::string text(3 * mib + 5, 'y');
    write_file_atomically(path, text);
    const UniqueFd file = open_file(path, O_RDONLY);
    uint64_t seen = 0;
    CHECK(describe(file.get(), mib, [&](uint64_t done) { seen = done; }, {}).encode() ==
          built(text, mib, 1000).encode());
    CHECK(seen == text.size());
    std::stop_source stopped;
    stopped.request_stop();
    CHECK_THROWS_AS(describe(file.get(), mib, {}, stopped.get_token()), Error);
}

}  // namespace gbuild::golem
