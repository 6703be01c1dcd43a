#include "gbuild/tree/accounts.h"

#include "support/catch.h"

using namespace gbuild::tree;

TEST_CASE("the groups that list a user") {
    const char* group = "a:x:1:app\nb:x:2:other,app\nc:x:3:apple\nd:x:bad:app\ne:x:1:app\nnonsense\nf:x:4\n";
    CHECK(groups_of(group, "app") == std::vector<uint32_t>{1, 2});
    CHECK(groups_of(group, "nobody").empty());
    CHECK(groups_of("", "app").empty());
}
