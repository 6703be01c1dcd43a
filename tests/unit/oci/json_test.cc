#include "gbuild/oci/json.h"

#include "support/catch.h"

using gbuild::Error;
using gbuild::ErrorKind;
using gbuild::oci::JsonValue;
using gbuild::oci::parse_json;

namespace {

ErrorKind kind_of(const std::string& text, const gbuild::oci::JsonLimits& limits = {}) {
    try {
        parse_json(text, "document", limits);
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("accepted");
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("what is not JSON is an integrity error with its byte") {
    REQUIRE_THROWS_WITH(parse_json("{\"a\": }", "document"), "document is not valid JSON (byte 7)");
    auto text = GENERATE(as<std::string>(), "", "{", "[1,]", "{} x", "\"\xff\"", "'a'", "nul", "[1e999]");
    CHECK(kind_of(text) == ErrorKind::integrity);
}

TEST_CASE("nesting is bounded") {
    CHECK(parse_json(std::string(64, '[') + std::string(64, ']'), "document").is_array());
    CHECK(kind_of(std::string(65, '[') + std::string(65, ']')) == ErrorKind::limit);
    CHECK(kind_of(std::string(1'000'000, '[')) == ErrorKind::limit);
    std::string objects;
    for (int i = 0; i < 100'000; i++) objects += "{\"a\":";
    CHECK(kind_of(objects) == ErrorKind::limit);
}

TEST_CASE("size and number of values are bounded") {
    CHECK(kind_of("[1,2,3]", {.bytes = 6}) == ErrorKind::limit);
    CHECK(kind_of("[1,2,3]", {.values = 3}) == ErrorKind::limit);
    CHECK(parse_json("[1,2,3]", "document", {.values = 4}).size() == 3);
}

TEST_CASE("of members with one name the last counts") {
    auto document = parse_json(R"({"a":{"x":1},"a":2})", "document");
    CHECK(JsonValue(document, "document").require("a").integer() == 2);
}

TEST_CASE("errors name the document and the place") {
    auto document = parse_json(R"({"layers":[{"size":"x"}]})", "manifest");
    JsonValue layer = JsonValue(document, "manifest").require("layers").elements(1)[0];
    REQUIRE_THROWS_WITH(layer.require("size").size(), "manifest: layers[0].size: must be an integer, not string");
    REQUIRE_THROWS_WITH(layer.require("digest"), "manifest: layers[0].digest: is missing");
    REQUIRE_THROWS_WITH(JsonValue(document, "manifest").string(), "manifest: must be a string, not object");
}

TEST_CASE("null counts as absent") {
    auto document = parse_json(R"({"a":null})", "document");
    CHECK_FALSE(JsonValue(document, "document").get("a"));
    REQUIRE_THROWS_WITH(JsonValue(document, "document").require("a"), "document: a: is missing");
}

TEST_CASE("integers are whole and within 64 bits") {
    auto document = parse_json("[1.5, 9223372036854775808, -1, 1e3, 9223372036854775807]", "document");
    auto elements = JsonValue(document, "document").elements(5);
    REQUIRE_THROWS_WITH(elements[0].integer(), ContainsSubstring("must be an integer"));
    REQUIRE_THROWS_WITH(elements[1].integer(), ContainsSubstring("must be an integer"));
    REQUIRE_THROWS_WITH(elements[2].size(), "document: [2]: must not be negative, but is -1");
    REQUIRE_THROWS_WITH(elements[3].size(), ContainsSubstring("must be an integer"));
    CHECK(elements[4].size() == INT64_MAX);
}

TEST_CASE("NULs in strings and names are refused") {
    auto document = parse_json(R"(["a\u0000b", {"a\u0000b": 1}])", "document");
    auto elements = JsonValue(document, "document").elements(2);
    REQUIRE_THROWS_WITH(elements[0].string(), "document: [0]: must not contain a NUL");
    REQUIRE_THROWS_WITH(elements[1].members(), "document: [1]: has a member with a NUL in its name");
}

TEST_CASE("an array beyond its cap is a limit error") {
    auto document = parse_json("[1,2]", "document");
    REQUIRE_THROWS_WITH(JsonValue(document, "document").elements(1),
                        "document: has 2 elements, more than the 1 allowed");
}

TEST_CASE("bytes that are not UTF-8 are written as replacement characters") {
    CHECK(gbuild::oci::dump_json(nlohmann::json("a\xff")) == "\"a\xef\xbf\xbd\"");
}
