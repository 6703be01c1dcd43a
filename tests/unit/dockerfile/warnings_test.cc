#include "parsing.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

Warning only_warning(const std::string& text) {
    auto file = parse_text(text);
    REQUIRE(file.warnings.size() == 1);
    return file.warnings[0];
}

}  // namespace

TEST_CASE("an ordinary file has no warnings") {
    REQUIRE(warning_ids("ARG v=1\nFROM debian:$v AS base\nENV a=b\nCOPY . /x\nCMD [\"a\"]\n").empty());
}

TEST_CASE("MAINTAINER is deprecated") {
    auto warning = only_warning("FROM scratch\nMAINTAINER me\n");
    REQUIRE(warning.id == "maintainer-deprecated");
    REQUIRE(warning.message == "MAINTAINER is deprecated");
    REQUIRE(warning.hint == "write LABEL org.opencontainers.image.authors=NAME");
    REQUIRE(warning.span->line == 2);
}

TEST_CASE("ENV and LABEL without equals signs are an old form") {
    auto warning = only_warning("FROM scratch\nENV a b\n");
    REQUIRE(warning.id == "legacy-key-value");
    REQUIRE(warning.hint == "write ENV a=VALUE");
    REQUIRE(warning_ids("FROM scratch\nLABEL a b\n") == Strings{"legacy-key-value"});
}

TEST_CASE("a stage name with capitals") {
    auto warning = only_warning("FROM scratch AS Base\n");
    REQUIRE(warning.id == "stage-name-casing");
    REQUIRE(warning.hint == "write base");
    REQUIRE(warning.span->column == 17);
}

TEST_CASE("FROM and AS in different cases") {
    REQUIRE(warning_ids("FROM scratch as base\n") == Strings{"from-as-casing"});
    REQUIRE(warning_ids("from scratch as base\n").empty());
}

TEST_CASE("an instruction in another case than the rest") {
    auto warning = only_warning("FROM scratch\nuser a\nWORKDIR /a\n");
    REQUIRE(warning.id == "instruction-casing");
    REQUIRE(warning.hint == "write USER");
    REQUIRE(warning_ids("from scratch\nuser a\nWORKDIR /a\n") == Strings{"instruction-casing"});
}

TEST_CASE("instructions that are all in lower case are fine") {
    REQUIRE(warning_ids("from scratch\nuser a\n").empty());
}

TEST_CASE("two stages of one name") {
    auto warning = only_warning("FROM scratch AS a\nFROM scratch AS a\n");
    REQUIRE(warning.id == "duplicate-stage-name");
    REQUIRE(warning.message == "the stage \"a\" is defined in line 1, too");
    REQUIRE(warning.span->line == 2);
}

TEST_CASE("a stage named scratch") { REQUIRE(only_warning("FROM debian AS scratch\n").id == "reserved-stage-name"); }

TEST_CASE("a CMD that another replaces") {
    auto warning = only_warning("FROM scratch\nCMD [\"a\"]\nUSER b\nCMD [\"c\"]\n");
    REQUIRE(warning.id == "multiple-instructions");
    REQUIRE(warning.message == "this CMD has no effect: line 4 replaces it");
    REQUIRE(warning.span->line == 2);
}

TEST_CASE("one CMD in each stage is fine") {
    REQUIRE(warning_ids("FROM scratch\nCMD [\"a\"]\nFROM scratch\nCMD [\"b\"]\n").empty());
}

TEST_CASE("secrets in ARG and ENV") {
    auto warning = only_warning("FROM scratch\nENV a=1 API_TOKEN=x\n");
    REQUIRE(warning.id == "secret-in-arg-or-env");
    REQUIRE(warning.span->column == 9);
    REQUIRE(warning_ids("FROM scratch\nARG db_password\n") == Strings{"secret-in-arg-or-env"});
}

TEST_CASE("public keys and words that only contain a secret's name are fine") {
    REQUIRE(warning_ids("FROM scratch\nENV PUBLIC_KEY=x KEYBOARD=y AUTHOR=z\n").empty());
}

TEST_CASE("an array in single quotes") {
    auto warning = only_warning("FROM scratch\nCMD ['a', 'b']\n");
    REQUIRE(warning.id == "exec-form-invalid");
    REQUIRE(warning.hint == "use double quotes around each element and commas between them");
}

TEST_CASE("a test command in brackets is no array") {
    REQUIRE(warning_ids("FROM scratch\nRUN [ \"$a\" = \"\" ]\nRUN [ -f /x ]\n").empty());
}

TEST_CASE("warnings come in the file's order") {
    REQUIRE(warning_ids("FROM scratch AS A\nENV a b\nMAINTAINER c\nENV d e\n") ==
            Strings{"stage-name-casing", "legacy-key-value", "maintainer-deprecated", "legacy-key-value"});
}

TEST_CASE("the check directive skips warnings by docker's names and by ours") {
    const std::string text = "FROM scratch AS Base\nMAINTAINER me\nENV a b\n";
    CHECK(warning_ids(text) == Strings{"stage-name-casing", "maintainer-deprecated", "legacy-key-value"});
    CHECK(warning_ids("# check=skip=StageNameCasing, LegacyKeyValueFormat\n" + text) ==
          Strings{"maintainer-deprecated"});
    CHECK(warning_ids("# check=skip=maintainer-deprecated;error=true\n" + text) ==
          Strings{"stage-name-casing", "legacy-key-value"});
    CHECK(warning_ids("# check=skip=JSONArgsRecommended\n" + text).size() == 3);
    CHECK(warning_ids("# check=skip=all\n" + text).empty());
    CHECK(warning_ids("# check=experimental=all\n" + text).size() == 3);
}

TEST_CASE("the check directive makes warnings errors") {
    CHECK_FALSE(parse_text("FROM scratch\n").checks.warnings_are_errors());
    CHECK_FALSE(parse_text("# check=error=false\nFROM scratch\n").checks.warnings_are_errors());
    CHECK(parse_text("# check=error=true\nFROM scratch\n").checks.warnings_are_errors());
    CHECK(parse_text("# check = skip=all ; error=1\nFROM scratch\n").checks.warnings_are_errors());
}

TEST_CASE("an unknown check is warned about at its place") {
    auto file = parse_text("# check=skip=UndefinedVar,StageNameCase;error=true\nFROM scratch\n");
    REQUIRE(file.warnings.size() == 1);
    const Warning& warning = file.warnings[0];
    CHECK(warning.id == "unknown-check");
    CHECK(warning.message == "there is no check \"StageNameCase\"");
    CHECK(warning.hint == "did you mean StageNameCasing?");
    CHECK(warning.span->line == 1);
    CHECK(warning.span->column == 27);
    CHECK(warning.span->length == 13);
}

TEST_CASE("an unknown option of the check directive is an error") {
    auto error = failure("# check=skpi=all\nFROM scratch\n");
    CHECK(error.message == "\"skpi=all\" is no option of the check directive");
    CHECK(error.marked() == "skpi=all");
    CHECK(failure("# check=error=maybe\nFROM scratch\n").message == "error is true or false, not \"maybe\"");
    CHECK(failure("# check=skip\nFROM scratch\n").line == 1);
}
