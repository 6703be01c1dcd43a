#include "gbuild/base/recorded_owner.h"

#include "support/catch.h"

namespace gbuild {

TEST_CASE("recorded owners and devices come back as they were written") {
    CHECK(encode(RecordedOwner{104, 110}) == "104:110");
    CHECK(parse_recorded_owner("104:110") == RecordedOwner{104, 110});
    CHECK(parse_recorded_owner(encode(RecordedOwner{UINT32_MAX, 0})) == RecordedOwner{UINT32_MAX, 0});
    CHECK(encode(RecordedDevice{true, 7, 0}) == "b:7:0");
    CHECK(parse_recorded_device("c:1:3") == RecordedDevice{false, 1, 3});
}

TEST_CASE("what is no record is none") {
    for (const char* text : {"", ":", "1", "1:", ":1", "1:2:3", "-1:2", "4294967296:0", "a:b", " 1:2"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_recorded_owner(text));
    }
    for (const char* text : {"", "c", "c:", "c:1", "x:1:3", "c1:3", "c:1:3:4", "c:1:a"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_recorded_device(text));
    }
}

}  // namespace gbuild
