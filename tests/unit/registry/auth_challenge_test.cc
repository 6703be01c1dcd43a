#include "gbuild/registry/auth_challenge.h"

#include <random>

#include "support/catch.h"

using gbuild::registry::parse_challenges;

TEST_CASE("a bearer challenge with a comma in its scope is one challenge") {
    auto found = parse_challenges(
        R"(Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push")");
    REQUIRE(found.size() == 1);
    CHECK(found[0].scheme == "bearer");
    CHECK(found[0].param("realm") == "https://auth.example/token");
    CHECK(found[0].param("service") == "registry.example");
    CHECK(found[0].param("scope") == "repository:a/b:pull,push");
}

TEST_CASE("several challenges in one header are told apart") {
    auto found = parse_challenges(R"(Negotiate, Basic realm="x", Bearer realm="y",service=z)");
    REQUIRE(found.size() == 3);
    CHECK(found[0].scheme == "negotiate");
    CHECK(found[1].param("realm") == "x");
    CHECK(found[2].param("service") == "z");
}

TEST_CASE("scheme and parameter names are read in any case") {
    auto found = parse_challenges(R"(BEARER Realm="Mixed/Case", SERVICE=s)");
    REQUIRE(found.size() == 1);
    CHECK(found[0].scheme == "bearer");
    CHECK(found[0].param("realm") == "Mixed/Case");
    CHECK(found[0].param("service") == "s");
}

TEST_CASE("quoted strings may hold escaped quotes and backslashes") {
    auto found = parse_challenges(R"(Basic realm="a \"b\" \\c")");
    REQUIRE(found.size() == 1);
    CHECK(found[0].param("realm") == R"(a "b" \c)");
}

TEST_CASE("white space around '=' and ',' does not matter") {
    auto found = parse_challenges("Bearer realm = \"r\" ,\t service = s ,, scope=\"\"");
    REQUIRE(found.size() == 1);
    CHECK(found[0].param("realm") == "r");
    CHECK(found[0].param("service") == "s");
    CHECK(found[0].param("scope").empty());
}

TEST_CASE("an unquoted value ends at a comma or a blank only") {
    auto found = parse_challenges("Bearer realm=http://h/token?k=v&l=\"m\",service=a=b scope=c, Basic realm=x=");
    REQUIRE(found.size() == 2);
    CHECK(found[0].param("realm") == "http://h/token?k=v&l=\"m\"");
    CHECK(found[0].param("service") == "a=b");
    CHECK(found[0].param("scope") == "c");
    CHECK(found[1].param("realm") == "x=");
}

TEST_CASE("token68 data is neither a challenge nor a parameter") {
    auto found = parse_challenges(R"(Negotiate YWJj/ZGVm==, NTLM abc, Basic realm="x")");
    REQUIRE(found.size() == 3);
    CHECK(found[0].params.empty());
    CHECK(found[1].params.empty());
    CHECK(found[2].param("realm") == "x");
}

TEST_CASE("malformed challenges are passed over without an end in sight being missed") {
    CHECK(parse_challenges("").empty());
    CHECK(parse_challenges("=,\"=\",,=").empty());
    CHECK(parse_challenges("Basic realm=\"never closed").size() == 1);
    CHECK(parse_challenges("realm=\"parameter without scheme\"").empty());
    CHECK(parse_challenges("Basic realm=").at(0).params.empty());
}

TEST_CASE("a flood of challenges is cut off") {
    std::string flood;
    for (int i = 0; i < 10'000; i++) flood += "A,";
    CHECK(parse_challenges(flood).size() < 100);
}

TEST_CASE("a challenge damaged at random, but the same each time, is understood or passed over") {
    const std::string header =
        R"(Bearer realm="https://a.example/t\"",service="s",scope="repository:a:pull,push", Basic )"
        R"(realm=b, Negotiate YWJj==, Digest nonce=x)";
    std::minstd_rand random(17);
    for (int i = 0; i < 5000; i++) {
        std::string text = header;
        for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; changes--) {
            const size_t at = random() % text.size();
            if (random() % 2 == 0)
                text[at] = "\",= \\\t\0a"[random() % 8];
            else
                text.erase(at, 1 + random() % 5);
        }
        CAPTURE(text);
        for (const auto& challenge : parse_challenges(text)) {
            CHECK_FALSE(challenge.scheme.empty());
            CHECK(challenge.scheme.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ\" ,=") == std::string::npos);
        }
    }
}
