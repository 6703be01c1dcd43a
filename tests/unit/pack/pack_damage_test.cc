#include "fixtures.h"
#include "gbuild/base/binary.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::pack;
using namespace gbuild::pack::fixtures;

namespace {

constexpr size_t trailer_size = 56;

Layer sample() {
    Layer layer;
    tree::Inode inode;
    inode.xattrs = {{"user.a", "1"}};
    layer.directory("etc")
        .file("etc/passwd", prose(5000, 1), inode)
        .file("etc/shadow", "short")
        .link("x", "etc/passwd");
    layer.symlink("link", "etc/passwd").whiteout("gone").file("sparse", std::string(8192, '\0') + prose(4096, 2));
    return layer;
}

// The pack with its index's checksum made right again.
std::string resealed(std::string bytes) {
    const size_t trailer = bytes.size() - trailer_size;
    uint64_t data_end = 0;
    std::memcpy(&data_end, bytes.data() + trailer, sizeof data_end);
    const Sha256Sum sum = sha256(as_bytes(std::string_view(bytes).substr(data_end, trailer - data_end)));
    std::memcpy(bytes.data() + trailer + 16, sum.data(), sum.size());
    return bytes;
}

uint64_t data_end_of(const std::string& bytes) {
    uint64_t data_end = 0;
    std::memcpy(&data_end, bytes.data() + bytes.size() - trailer_size, sizeof data_end);
    return data_end;
}

// Opens the pack and reads all of it.
void use(const std::string& bytes, const PackOptions& options) {
    PackSet packs(options);
    packs.add(Pack::open(memory_file(bytes), options));
    for (const tree::LayerEntry& entry : packs.at(0).entries(0)) {
        if (!entry.inode.content.empty()) read_contents(packs, entry.inode.content, 1 << 20);
    }
}

}  // namespace

TEST_CASE("a pack with any byte of index or trailer changed is refused") {
    Layer layer = sample();
    const std::string good = pack_bytes(layer, small_blocks());
    REQUIRE_NOTHROW(use(good, small_blocks()));
    for (size_t i = data_end_of(good); i < good.size(); i++) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 0x20);
        CAPTURE(i);
        try {
            Pack::open(memory_file(bad), small_blocks());
            FAIL("accepted");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::integrity);
        }
    }
}

TEST_CASE("a pack whose index lies but has a right checksum is read safely or refused") {
    Layer layer = sample();
    const std::string good = pack_bytes(layer, small_blocks());
    size_t refused = 0;
    for (size_t i = data_end_of(good); i < good.size() - trailer_size; i++) {
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            std::string bad = good;
            bad[i] = static_cast<char>(bad[i] ^ flip);
            try {
                use(resealed(bad), small_blocks());
            } catch (const Error& error) {
                CAPTURE(i, flip, error.message());
                CHECK((error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::limit));
                refused++;
            }
        }
    }
    CHECK(refused > 0);
}

TEST_CASE("a pack cut short anywhere is refused") {
    Layer layer = sample();
    const std::string good = pack_bytes(layer, small_blocks());
    for (size_t size = 0; size < good.size(); size++) {
        CHECK_THROWS_AS(Pack::open(memory_file(good.substr(0, size)), small_blocks()), Error);
    }
    CHECK_THROWS_WITH(Pack::open(memory_file(""), small_blocks()), "the pack is damaged: it is too short");
}

TEST_CASE("a pack made with other options is refused by name") {
    Layer layer = sample();
    const std::string bytes = pack_bytes(layer, small_blocks());
    CHECK_THROWS_WITH(Pack::open(memory_file(bytes), PackOptions()),
                      "the pack was made with other options: gzip-6-4096-v1 instead of gzip-6-131072-v1");
}

TEST_CASE("damaged blocks are integrity errors when they are read") {
    Layer layer;
    layer.file("a", prose(4096, 1));
    std::string bytes = pack_bytes(layer, small_blocks());
    bytes[200] = static_cast<char>(bytes[200] ^ 1);
    try {
        use(bytes, small_blocks());
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::integrity);
        CHECK(error.message() == "a gzip block is damaged");
        REQUIRE(error.context().size() == 1);
        CHECK(error.context()[0] == "reading the pack at offset 96");
    }
}
