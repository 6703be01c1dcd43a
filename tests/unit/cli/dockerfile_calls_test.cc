#include "gbuild/cli/dockerfile_calls.h"

#include "gbuild/base/error.h"
#include "gbuild/dockerfile/parser.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

dockerfile::Dockerfile called_file() {
    return dockerfile::parse("# BASE where it begins\nARG BASE=scratch\n"
                             "# tools what compiles\nFROM $BASE AS tools\n"
                             "RUN --mount=type=secret,id=token,required --mount=type=ssh true\n"
                             "FROM scratch\nRUN --mount=type=bind,from=tools,target=/t true\n"
                             "# other comment\nARG MODE\n"
                             "FROM 1 AS out\nCOPY --from=nosuch /a /a\nARG MODE=fast UNUSED\n",
                             "Dockerfile");
}

}  // namespace

TEST_CASE("targets are the stages, with what their comments say (U-1)") {
    const auto targets = targets_of(called_file());
    REQUIRE(targets.size() == 3);
    CHECK(targets[0].name == "tools");
    CHECK(targets[0].base == "$BASE");
    CHECK(targets[0].description == "what compiles");
    CHECK(targets[1].name == "1");
    CHECK(targets[2].is_default);
    CHECK_THAT(targets_text(targets), ContainsSubstring("out (default)"));
    CHECK(targets_json(targets)["targets"].size() == 3);
}

TEST_CASE("an outline has what the target's stages take") {
    const OutlineInfo outline = outline_of(called_file(), "", {{"MODE", "slow"}});
    CHECK(outline.target.name == "out");
    REQUIRE(outline.args.size() == 3);
    CHECK(outline.args[0].name == "BASE");
    CHECK(outline.args[0].description == "where it begins");
    CHECK(outline.args[1].name == "MODE");
    CHECK(outline.args[1].value == "slow");
    CHECK(outline.args[1].description.empty());
    REQUIRE(outline.secrets.size() == 1);
    CHECK(outline.secrets[0].required);
    REQUIRE(outline.ssh.size() == 1);
    CHECK(outline.ssh[0].name == "default");
    CHECK_THAT(outline_text(outline), ContainsSubstring("SECRET  REQUIRED\ntoken   yes\n"));
    CHECK(outline_of(called_file(), "TOOLS", {}).args.size() == 1);
    CHECK_THROWS_AS(outline_of(called_file(), "nosuch", {}), Error);
}
