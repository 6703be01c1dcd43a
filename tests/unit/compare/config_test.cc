#include <fmt/format.h>

#include "compare/config.h"

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::compare;

namespace {

// "Labels.a: 1 -> 2"
std::vector<std::string> lines_of(const std::string& a, const std::string& b) {
    std::vector<std::string> lines;
    for (const ConfigChange& change : compare_configs(a, b))
        lines.push_back(join(change.key, ".") + ": " + change.a.value_or("-") + " -> " + change.b.value_or("-"));
    return lines;
}

using ConfigLines = std::vector<std::string>;

}  // namespace

TEST_CASE("equal configurations, whatever the order of their keys") {
    CHECK(lines_of(R"({"a":1,"b":{}})", R"({"b":{},"a":1})").empty());
}

TEST_CASE("values are named by their keys") {
    CHECK(lines_of(R"({"Labels":{"v":"1","w":"x"},"User":"0:0"})", R"({"Labels":{"v":"2","w":"x"},"Cmd":["a"]})") ==
          ConfigLines{R"(Cmd: - -> ["a"])", R"(Labels.v: "1" -> "2")", R"(User: "0:0" -> -)"});
    CHECK(lines_of(R"({"Volumes":{"/a":{}}})", R"({"Volumes":{"/b":{}}})") ==
          ConfigLines{"Volumes./a: {} -> -", "Volumes./b: - -> {}"});
}

TEST_CASE("variables are named by their names, unless only their order differs") {
    CHECK(lines_of(R"({"Env":["A=1","B=2"]})", R"({"Env":["B=3","A=1"]})") == ConfigLines{R"(Env.B: "2" -> "3")"});
    CHECK(lines_of(R"({"Env":["A=1","B=2"]})", R"({"Env":["B=2","A=1"]})") ==
          ConfigLines{R"(Env: ["A=1","B=2"] -> ["B=2","A=1"])"});
    CHECK(lines_of(R"({"Env":["A=1","A=2"]})", R"({"Env":["A=1"]})") ==
          ConfigLines{R"(Env: ["A=1","A=2"] -> ["A=1"])"});
    CHECK(lines_of(R"({"Env":["A=1"]})", R"({"Env":[7]})") == ConfigLines{R"(Env: ["A=1"] -> [7])"});
}

TEST_CASE("a configuration that is no JSON is damage") { CHECK_THROWS_AS(compare_configs("{", "{}"), Error); }
