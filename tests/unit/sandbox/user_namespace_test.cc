#include "sandbox/user_namespace.h"

#include "support/catch.h"

using namespace gbuild::sandbox;

TEST_CASE("a range is found by name or number, the first one counts") {
    const char* text = "other:1:2\nuser:100000:65536\nuser:5:5\n1000:7:8\n";
    auto named = find_range(text, "user", 4711);
    REQUIRE(named);
    CHECK(named->first == 100000);
    CHECK(named->count == 65536);
    auto numbered = find_range(text, "nobody-here", 1000);
    REQUIRE(numbered);
    CHECK(numbered->first == 7);
    CHECK_FALSE(find_range(text, "nobody-here", 1));
}

TEST_CASE("malformed ranges are skipped") {
    for (const char* text : {"", "user", "user:1", "user:1:0", "user:a:1", "user:1:b", "user:1:2:3", ":1:2",
                             "user:4294967295:1", "user:1:99999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(find_range(text, "user", 1000));
    }
}
