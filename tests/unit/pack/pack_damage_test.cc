#include <libdeflate.h>

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

// The sum of a pack's only region put right.
std::string with_right_sum(std::string bytes) {
    const uint64_t data_end = data_end_of(bytes);
    BinaryReader index(as_bytes(std::string_view(bytes).substr(data_end)), "the index");
    const size_t whole = index.left();
    static_cast<void>(index.text());
    static_cast<void>(index.varint());
    const uint32_t sum = libdeflate_crc32(0, bytes.data(), data_end);
    std::memcpy(bytes.data() + data_end + (whole - index.left()), &sum, sizeof sum);
    return bytes;
}

// Opens the pack and reads all of it.
void use(const std::string& bytes, const PackOptions& options) {
    PackSet packs(options);
    packs.add(Pack::open(memory_file(bytes), options));
    for (const tree::LayerEntry& entry : packs.at(0).entries(0)) {
        if (!entry.inode.content.empty()) read_contents(packs, entry.inode.content, 16 << 20);
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
                      ContainsSubstring("the pack was made with other options: gzip-6-4096-v5") &&
                          ContainsSubstring(" instead of gzip-6-131072-v5"));
}

TEST_CASE("a pack is called by its layer, or by what it holds, and is no other's (X-11)") {
    Layer layer = sample();
    const std::string unnamed = pack_bytes(layer, small_blocks());
    const auto pack = Pack::open(memory_file(unnamed), small_blocks());
    CHECK(pack->layer() == pack->contents_digest());
    CHECK(Pack::open(memory_file(unnamed), small_blocks(), pack->layer())->holds_its_contents());
    CHECK_THROWS_WITH(Pack::open(memory_file(unnamed), small_blocks(), Digest::of("another")),
                      ContainsSubstring("the pack is of another layer"));
    layer.rewind();
    const UniqueFd named = memory_file();
    write_pack(layer, {small_blocks(), Digest::of("a diffID"), 1, {}, {}}, named.get());
    CHECK(Pack::open(duplicate(named.get()), small_blocks(), Digest::of("a diffID"))->contents_digest() ==
          pack->contents_digest());
    CHECK(Pack::open_any(duplicate(named.get()))->options().block_size == small_blocks().block_size);
}

TEST_CASE("contents that are not those of the index are found, whatever the checksums say (X-2)") {
    Layer layer;
    layer.file("a", std::string(100, 'a'));
    std::string bytes = pack_bytes(layer, with_codec(Codec::gzip));
    Layer other;
    other.file("a", std::string(100, 'b'));
    const std::string changed = pack_bytes(other, with_codec(Codec::gzip));
    REQUIRE(data_end_of(bytes) == data_end_of(changed));
    bytes.replace(0, data_end_of(bytes), changed, 0, data_end_of(changed));
    const auto pack = Pack::open(memory_file(resealed(with_right_sum(bytes))), with_codec(Codec::gzip));
    CHECK(pack->is_whole());
    CHECK_FALSE(pack->holds_its_contents());
}

TEST_CASE("any changed byte of the data is found out when it is read") {
    Layer layer;
    layer.file("a", noise(500, 1)).file("b", prose(9000, 2));
    const std::string good = pack_bytes(layer, small_blocks());
    for (size_t i = 0; i < data_end_of(good); i++) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 0x20);
        CAPTURE(i);
        Stack stack(small_blocks());
        stack.packs.add(Pack::open(memory_file(bad), small_blocks()));
        stack.tree.apply(stack.packs.at(0).entries(0));
        CHECK_FALSE(stack.packs.at(0).damaged());
        CHECK_THROWS_WITH(stack.contents("a"), ContainsSubstring("do not match their checksum"));
        CHECK(stack.packs.at(0).damaged());
    }
}

TEST_CASE("an image is not made of damaged data") {
    Layer layer;
    layer.file("a", noise(500, 1)).file("b", prose(9000, 2)).file("c", noise(500, 3));
    std::string bytes = pack_bytes(layer, small_blocks());
    bytes[200] = static_cast<char>(bytes[200] ^ 1);
    const bool repacked = GENERATE(false, true);
    CAPTURE(repacked);
    Stack stack(small_blocks());
    stack.packs.add(Pack::open(memory_file(bytes), small_blocks()));
    stack.tree.apply(stack.packs.at(0).entries(0));
    if (repacked) stack.tree.apply({{tree::EntryKind::whiteout, "a", "", {}}});
    CHECK_THROWS_WITH(Image(stack), ContainsSubstring("do not match their checksum"));
    CHECK(stack.packs.at(0).damaged());
}

TEST_CASE("data is checked region by region, also where a file crosses from one to the next") {
    constexpr size_t region = 1 << 20;
    Layer layer;
    layer.file("a", noise(region / 2, 1)).file("b", noise(region, 2)).file("c", noise(2 * region, 3));
    layer.file("d", noise(region / 2, 1) + noise(region, 4));  // begins as a does, and takes its blocks over
    std::string bytes = pack_bytes(layer, PackOptions());
    use(bytes, PackOptions());
    bytes[2 * region + 5] = static_cast<char>(bytes[2 * region + 5] ^ 1);

    Stack stack{PackOptions()};
    stack.packs.add(Pack::open(memory_file(bytes), PackOptions()));
    stack.tree.apply(stack.packs.at(0).entries(0));
    CHECK(stack.contents("a") == noise(region / 2, 1));
    CHECK(stack.contents("b") == noise(region, 2));
    CHECK_THROWS_AS(stack.contents("c"), Error);
}

TEST_CASE("a pack is looked through for damage when asked") {
    Layer layer;
    layer.file("a", noise((1 << 20) + 5000, 1));
    std::string bytes = pack_bytes(layer, PackOptions());
    CHECK(Pack::open(memory_file(bytes), PackOptions())->is_whole());
    const size_t at = (1 << 20) + 100;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    auto bad = Pack::open(memory_file(bytes), PackOptions());
    CHECK_FALSE(bad->damaged());
    CHECK_FALSE(bad->is_whole());
    CHECK(bad->damaged());
}

TEST_CASE("a pack that ends early is found out when it is read") {
    Layer layer;
    layer.file("a", noise(90'000, 1));
    const UniqueFd fd = memory_file(pack_bytes(layer, small_blocks()));
    PackSet packs(small_blocks());
    packs.add(Pack::open(duplicate(fd.get()), small_blocks()));
    REQUIRE(ftruncate(fd.get(), 50'000) == 0);
    CHECK_THROWS_AS(read_contents(packs, {0, 0}, 100'000), Error);
    CHECK(packs.at(0).damaged());
}

TEST_CASE("a small pack needs no descriptor once it is open (E-4)") {
    Layer layer;
    layer.file("a", noise(9000, 1));
    const std::string bytes = pack_bytes(layer, small_blocks());
    const UniqueFd fd = memory_file(bytes);
    PackSet packs(small_blocks());
    packs.add(Pack::open(duplicate(fd.get()), small_blocks()));
    REQUIRE(ftruncate(fd.get(), 0) == 0);
    CHECK(read_contents(packs, {0, 0}, 10000) == noise(9000, 1));
    CHECK(file_size(packs.at(0).open_file().get()) == bytes.size());
}

TEST_CASE("damaged blocks with the right checksum are integrity errors when they are read") {
    Layer layer;
    layer.file("a", prose(4096, 1));
    std::string bytes = pack_bytes(layer, small_blocks());
    bytes[200] = static_cast<char>(bytes[200] ^ 1);
    bytes = resealed(with_right_sum(bytes));
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
