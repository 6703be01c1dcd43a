#include "gbuild/base/binary.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;

TEST_CASE("records read back as written") {
    BinaryWriter writer;
    writer.number<uint32_t>(0xdeadbeef);
    for (uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) writer.varint(value);
    writer.text("name");
    BinaryReader reader(writer.bytes(), "the record");
    CHECK(reader.number<uint32_t>() == 0xdeadbeef);
    for (uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) CHECK(reader.varint() == value);
    CHECK(reader.text() == "name");
    CHECK(reader.left() == 0);
}

TEST_CASE("a record cut anywhere is refused") {
    BinaryWriter writer;
    writer.varint(300);
    writer.text("abc");
    for (size_t length = 0; length < writer.bytes().size(); length++) {
        BinaryReader reader(std::span(writer.bytes()).first(length), "the record");
        REQUIRE_THROWS_WITH((reader.varint(), reader.text()), "the record is damaged");
    }
}

TEST_CASE("overlong and too large varints are refused") {
    std::vector<std::byte> overlong(10, std::byte{0xff});
    REQUIRE_THROWS_AS(BinaryReader(overlong, "x").varint(), Error);
    BinaryWriter writer;
    writer.varint(11);
    REQUIRE_THROWS_AS(BinaryReader(writer.bytes(), "x").varint(10), Error);
    CHECK(BinaryReader(writer.bytes(), "x").varint(11) == 11);
}
