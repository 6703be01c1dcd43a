#include "gbuild/registry/base64.h"

#include <utility>

#include "support/catch.h"

using gbuild::registry::base64_decode;
using gbuild::registry::base64_encode;

TEST_CASE("base64 encodes RFC 4648's examples and decodes them back") {
    const std::pair<std::string, std::string> examples[] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
    for (const auto& [plain, encoded] : examples) {
        CHECK(base64_encode(plain) == encoded);
        CHECK(base64_decode(encoded) == plain);
    }
}

TEST_CASE("base64 decodes both alphabets, padded or not") {
    CHECK(base64_decode("+/+/") == base64_decode("-_-_"));
    CHECK(base64_decode("Zg") == "f");
    CHECK(base64_decode("Ym9iOnDDpHNz") == "bob:p\xC3\xA4ss");
}

TEST_CASE("base64 refuses what is none") {
    CHECK_FALSE(base64_decode("Z"));
    CHECK_FALSE(base64_decode("Zm9v!"));
    CHECK_FALSE(base64_decode("Zg="));
    CHECK_FALSE(base64_decode("Z=g="));
    CHECK_FALSE(base64_decode("===="));
}
