#include "gbuild/serve/ranges.h"

#include "support/catch.h"

using gbuild::serve::ByteRange;
using gbuild::serve::parse_ranges;

namespace {

using Ranges = std::vector<ByteRange>;

}  // namespace

TEST_CASE("one range") {
    CHECK(parse_ranges("bytes=0-9", 100) == Ranges{{0, 9}});
    CHECK(parse_ranges("bytes=90-", 100) == Ranges{{90, 99}});
    CHECK(parse_ranges("bytes=-10", 100) == Ranges{{90, 99}});
    CHECK(parse_ranges("bytes=-1000", 100) == Ranges{{0, 99}});
    CHECK(parse_ranges("bytes=50-1000", 100) == Ranges{{50, 99}});
    CHECK(parse_ranges("bytes=0-0", 1) == Ranges{{0, 0}});
    CHECK(parse_ranges("Bytes = 0-9 ", 100) == Ranges{{0, 9}});
    CHECK(parse_ranges("bytes=0-99999999999999999999999", 100) == Ranges{{0, 99}});
}

TEST_CASE("ranges of what is not there") {
    for (const char* header :
         {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-", "bytes=200-300, 150-"}) {
        CAPTURE(header);
        CHECK(parse_ranges(header, 100) == Ranges());
    }
    CHECK(parse_ranges("bytes=200-, 5-6", 100) == Ranges{{5, 6}});
    CHECK(parse_ranges("bytes=-5", 0) == Ranges());
}

TEST_CASE("headers that are to be ignored") {
    for (const char* header :
         {"", "bytes", "bytes=", "bytes=,", "items=0-1", "bytes=5-4", "bytes=a-b", "bytes=-", "bytes=1", "bytes=--1",
          "bytes=0-1-2", "bytes=+1-2", "bytes=0-1,x", "bytes=0x1-2", "bytes=1 2-3"}) {
        CAPTURE(header);
        CHECK_FALSE(parse_ranges(header, 100));
    }
    std::string many = "bytes=0-0";
    for (int i = 1; i < 64; i++) many += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
    CHECK(parse_ranges(many, 1000).value().size() == 64);
    CHECK_FALSE(parse_ranges(many + ",500-500", 1000));
}

TEST_CASE("several ranges stay in their order, and become one where they meet") {
    CHECK(parse_ranges("bytes=50-59,0-9", 100) == Ranges{{50, 59}, {0, 9}});
    CHECK(parse_ranges("bytes=0-9,,10-19", 100) == Ranges{{0, 19}});
    CHECK(parse_ranges("bytes=50-59,0-9,5-20", 100) == Ranges{{0, 20}, {50, 59}});
    CHECK(parse_ranges("bytes=0-,0-,0-,-1", 100) == Ranges{{0, 99}});
}
