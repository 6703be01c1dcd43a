#include <nlohmann/json.hpp>

#include "parsing.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

nlohmann::json json_of(std::string_view text) { return nlohmann::json::parse(to_json(parse_text(text))); }

}  // namespace

TEST_CASE("the JSON names every part of an instruction") {
    auto copy = json_of("FROM scratch\nCOPY --from=a --link <<EOF b \\\n /c/\nx\nEOF\n")["instructions"][1];
    CHECK(copy["instruction"] == "COPY");
    CHECK(copy["flags"] ==
          nlohmann::json::parse(R"([{"name": "from", "value": "a"}, {"name": "link", "value": null}])"));
    CHECK(copy["args"] == Strings{"b", "/c/"});
    CHECK(copy["form"] == "shell");
    CHECK(copy["firstLine"] == 2);
    CHECK(copy["lastLine"] == 5);
    CHECK(copy["original"] == "COPY --from=a --link <<EOF b \\\n /c/\nx\nEOF");
    CHECK(copy["heredocs"][0]["name"] == "EOF");
    CHECK(copy["heredocs"][0]["contents"] == "x\n");
    CHECK(copy["heredocs"][0]["expand"] == true);
    CHECK(copy["heredocs"][0]["stripTabs"] == false);
    CHECK(copy["heredocs"][0]["fileDescriptor"] == 0);
}

TEST_CASE("nothing is expanded in the JSON") {
    CHECK(json_of("FROM scratch\nENV a=1\nENV b=\"$a\"\n")["instructions"][2]["args"] == Strings{"b", "\"$a\""});
}

TEST_CASE("the exec form is named in the JSON") {
    CHECK(json_of("FROM scratch\nCMD []\n")["instructions"][1]["form"] == "exec");
}

TEST_CASE("directives that are absent are absent in the JSON") {
    CHECK(json_of("FROM scratch\n")["directives"] == nlohmann::json::object());
    CHECK(json_of("# syntax=a\n# escape=`\nFROM scratch\n")["directives"] ==
          nlohmann::json::parse(R"({"syntax": "a", "escape": "`"})"));
}

TEST_CASE("warnings are in the JSON with their place") {
    auto warning = json_of("FROM scratch\nMAINTAINER a\n")["warnings"][0];
    CHECK(warning["id"] == "maintainer-deprecated");
    CHECK(warning["line"] == 2);
    CHECK(warning["column"] == 1);
}

TEST_CASE("the JSON is indented by two, keys in order, and ends its line") {
    std::string text = to_json(parse_text("FROM scratch"));
    CHECK(text.substr(0, 30) == "{\n  \"directives\": {},\n  \"instr");
    CHECK(text.substr(text.size() - 2) == "}\n");
}

TEST_CASE("bytes that are no UTF-8 do not break the JSON") {
    CHECK(json_of("FROM scratch\nUSER \xFF\n")["instructions"][1]["args"][0] == "\xEF\xBF\xBD");
}
