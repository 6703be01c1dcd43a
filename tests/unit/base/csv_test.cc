#include "gbuild/base/csv.h"

#include "support/catch.h"

using gbuild::split_csv;
using Fields = std::vector<std::string>;

TEST_CASE("fields are separated by commas and may be quoted") {
    CHECK(split_csv("type=local,src=a") == Fields{"type=local", "src=a"});
    CHECK(split_csv("") == Fields{""});
    CHECK(split_csv("a,,b,") == Fields{"a", "", "b", ""});
    CHECK(split_csv(R"("a,b",c)") == Fields{"a,b", "c"});
    CHECK(split_csv(R"("say ""yes""",c)") == Fields{"say \"yes\"", "c"});
    CHECK(split_csv(R"(a"b,c)") == Fields{"a\"b", "c"});
    CHECK(split_csv("\"\"") == Fields{""});
}

TEST_CASE("a quote must be closed") {
    CHECK_FALSE(split_csv(R"("a,b)"));
    CHECK_FALSE(split_csv(R"(a,")"));
}
