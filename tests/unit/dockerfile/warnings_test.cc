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

TEST_CASE("AS follows FROM's case, and a mixed FROM is another warning's (C-3)") {
    CHECK(warning_ids("FROM scratch As base\n") == Strings{"from-as-casing"});
    CHECK(warning_ids("from scratch AS base\n") == Strings{"from-as-casing"});
    CHECK(only_warning("from scratch AS base\n").hint == "write as");
    CHECK(warning_ids("From scratch as base\nWORKDIR /a\n") == Strings{"instruction-casing"});
    CHECK(warning_ids("fRoM scratch As base\nWORKDIR /a\n") == Strings{"instruction-casing"});
}

TEST_CASE("the case of most instructions counts, mixed ones apart (C-3)") {
    auto warning = only_warning("frOM scratch\nfrom scratch\n");
    CHECK(warning.id == "instruction-casing");
    CHECK(warning.span->line == 1);
    CHECK(warning.hint == "write from");
    CHECK(only_warning("From scratch\nUSER a\n").hint == "write FROM");
    CHECK(warning_ids("From scratch\nUser a\nworkdir /a\n") == Strings{"instruction-casing", "instruction-casing"});
    // As many of both: capitals.
    CHECK(only_warning("from scratch\nUSER a\n").span->line == 1);
    CHECK(only_warning("from scratch\nOnBuild USER a\nuser b\n").span->line == 2);
}

TEST_CASE("ARGs before the first FROM have no part in it (C-3)") {
    CHECK(warning_ids("arg a=1\narg b=2\nFROM scratch\n").empty());
    CHECK(warning_ids("ARG a=1\nARG b=2\nfrom scratch\nuser a\n").empty());
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

TEST_CASE("names of files and versions are no secrets (C-2)") {
    for (const char* name : {"SESSION_SECRET_FILE", "AUTH_MODULE_VERSION", "file_token", "KEY_FILE_PATH",
                             "TOKEN_VERSION", "PUBLIC_KEY", "Password-File"})
        CHECK(warning_ids(std::string("FROM scratch\nENV ") + name + "=x\n").empty());
    for (const char* name : {"SECRET_PROFILE", "KEY_VERSIONS", "TOKEN_FILES", "VERSIONKEY_SECRET"})
        CHECK(warning_ids(std::string("FROM scratch\nARG ") + name + "\n") == Strings{"secret-in-arg-or-env"});
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

namespace {

// The ids that are left of those of "FROM … AS Base" and "ENV a b", of which `above` stands above the latter.
Strings left_by(const std::string& above) { return warning_ids("FROM scratch AS Base\n" + above + "ENV a b\n"); }

}  // namespace

TEST_CASE("a comment above an instruction skips checks for that one (C-1)") {
    const Strings both{"stage-name-casing", "legacy-key-value"};
    const Strings first{"stage-name-casing"};
    CHECK(left_by("") == both);
    CHECK(left_by("# check=skip=LegacyKeyValueFormat\n") == first);
    CHECK(left_by("#check=skip=legacy-key-value\n") == first);
    CHECK(left_by("  #  Check = skip = LEGACYKEYVALUEFORMAT , StageNameCasing\n") == first);
    CHECK(left_by("# check=skip=all\n") == first);
    CHECK(left_by("# check=skip=StageNameCasing\n") == both);
    CHECK(left_by("# check=skip=LegacyKeyValueFormat // docker.io wants it\n") == first);
}

TEST_CASE("other comments may stand between, but no empty line (C-1)") {
    const Strings both{"stage-name-casing", "legacy-key-value"};
    const Strings first{"stage-name-casing"};
    CHECK(left_by("# check=skip=LegacyKeyValueFormat\n# why: it is old\n") == first);
    CHECK(left_by("# why\n# check=skip=UndefinedVar\n# check=skip=LegacyKeyValueFormat\n#\n") == first);
    CHECK(left_by("# check=skip=LegacyKeyValueFormat\n\n") == both);
    CHECK(left_by("# check=skip=LegacyKeyValueFormat\n\n# why\n") == both);
    CHECK(left_by("# check=skip=LegacyKeyValueFormat\nUSER a\n") == both);
}

TEST_CASE("it counts for FROM, ONBUILD, continued lines and heredocs, and not for what follows (C-1)") {
    CHECK(warning_ids("\n# check=skip=StageNameCasing\nFROM scratch AS Base\nFROM scratch AS Other\n") ==
          Strings{"stage-name-casing"});
    CHECK(warning_ids("FROM scratch\n# check=skip=LegacyKeyValueFormat\nONBUILD ENV a b\n").empty());
    CHECK(warning_ids("FROM scratch\n# check=skip=all\nRUN a \\\n\n  b\n").empty());
    CHECK(warning_ids("FROM scratch\n# check=skip=all\nENV \\\n# what\n a \\\n b\nENV c d\n") ==
          Strings{"legacy-key-value"});
    CHECK(warning_ids("FROM scratch\nRUN <<E\n# check=skip=all\nE\nENV c d\n") == Strings{"legacy-key-value"});
    CHECK(warning_ids("# check=skip=StageNameCasing\nARG a\n# check=skip=all\nFROM scratch AS A\nENV c d\n") ==
          Strings{"legacy-key-value"});
}

TEST_CASE("what a comment above an instruction cannot say is told, and nothing fails (C-1)") {
    auto file = parse_text("FROM scratch\n# check=skip=NoSuch;error=true\nENV a b\n");
    REQUIRE(file.warnings.size() == 3);
    CHECK(file.warnings[0].id == "unknown-check");
    CHECK(file.warnings[0].span->line == 2);
    CHECK(file.warnings[0].span->column == 14);
    CHECK(file.warnings[1].message == "error= counts for the whole file, not for one instruction");
    CHECK_FALSE(file.checks.warnings_are_errors());
    CHECK(left_by("# check=skpi=LegacyKeyValueFormat\n").size() == 3);
    // Prose.
    CHECK(left_by("# check= that it is there\n").size() == 2);
    CHECK(left_by("# check the value = 1\n").size() == 2);
    CHECK(left_by("# checks=skip=all\n").size() == 2);
}

TEST_CASE("hadolint's comments count, its codes included that gbuild does not know (C-13)") {
    const std::string text = "FROM scratch\nMAINTAINER me\nENV a b\n";
    CHECK(warning_ids("FROM scratch\n# hadolint ignore=DL4000\nMAINTAINER me\n").empty());
    CHECK(warning_ids("FROM scratch\n# hadolint  ignore = SC2086,dl4000 , DL9999\n# x\nMAINTAINER me\n").empty());
    CHECK(warning_ids("FROM scratch\n# hadolint ignore=DL4000\n\nMAINTAINER me\n").size() == 1);
    CHECK(warning_ids("# hadolint global ignore=DL4000,SC1091\n" + text) == Strings{"legacy-key-value"});
    CHECK(warning_ids("FROM scratch\nMAINTAINER me\n\n# hadolint global ignore=DL4000\n").empty());
    CHECK(warning_ids("# hadolint ignore=DL4000\n" + text).size() == 2);
    CHECK(warning_ids("# hadolint ignored=DL4000\n" + text).size() == 2);
}

TEST_CASE("codes of other programs are remembered, each once, and are no mistake (C-13)") {
    auto file = parse_text("# check=skip=DL3059,SC2086,dl3059,CKV_DOCKER_2,MaintainerDeprecated\nFROM scratch\n"
                           "# check=skip=DL3059,DL3057\nMAINTAINER me\n");
    CHECK(file.warnings.empty());
    Strings names;
    for (const auto& foreign : file.checks.foreign()) names.push_back(foreign.name);
    CHECK(names == Strings{"DL3059", "SC2086", "CKV_DOCKER_2", "DL3057"});
    CHECK(file.checks.foreign()[3].span.line == 3);
    CHECK(file.checks.foreign()[3].span.column == 21);
    CHECK(warning_ids("# check=skip=DL30599\nFROM scratch\n") == Strings{"unknown-check"});
}

TEST_CASE("warnings about what stands before an error are kept (C-8)") {
    std::vector<Warning> before;
    CHECK_THROWS_AS(
        parse("FROM scratch AS A\nENV a b\n# check=skip=all\nMAINTAINER me\nWORKDRI /x\nENV c d\n", "D", {}, before),
        Error);
    REQUIRE(before.size() == 2);
    CHECK(before[0].id == "stage-name-casing");
    CHECK(before[1].id == "legacy-key-value");
    before.clear();
    CHECK_THROWS_AS(parse("# check=skip=all\nFROM scratch AS A\nENV a\n", "D", {}, before), Error);
    CHECK(before.empty());
}
