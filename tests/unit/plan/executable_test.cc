#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

Failure refusal(std::string_view text, const PlanRequest& request = {}) {
    return failure_in([&] { require_executable(dockerfile::parse(text, "Dockerfile"), request); });
}

}  // namespace

TEST_CASE("RUN with a mount is executable") {
    CHECK(refusal("FROM a\nRUN --mount=type=cache,target=/c make\n").message == "no error");
}

TEST_CASE("RUN counts in stages that are needed") {
    auto runs = [](std::string_view text, const PlanRequest& request = {}) {
        return runs_commands(dockerfile::parse(text, "Dockerfile"), request);
    };
    CHECK(runs("FROM a\nRUN true\n"));
    CHECK_FALSE(runs("FROM a\nCOPY b c\n"));
    CHECK_FALSE(runs("FROM a AS x\nRUN true\nFROM scratch\n"));
    CHECK(runs("FROM a AS x\nRUN true\nFROM scratch\nCOPY --from=x a /\n"));
    CHECK(runs("FROM a AS x\nRUN true\nFROM x\n"));
}

TEST_CASE("ADD of a URL or a repository is refused") {
    for (const char* source : {"https://x/y.deb", "http://x", "git@github.com:a/b.git", "ssh://git@x/y"}) {
        auto error = refusal(std::string("FROM a\nADD local ") + source + " /z/\n");
        CHECK(error.kind == ErrorKind::unsupported);
        CHECK(error.message == std::string("ADD cannot fetch \"") + source + "\" yet");
        CHECK(error.marked == source);
    }
}

TEST_CASE("ADD of a URL in variables is refused") {
    CHECK(refusal("FROM a\nARG U=https://x/y\nADD $U /z\n").message == "ADD cannot fetch \"$U\" yet");
    CHECK(refusal("FROM a\nENV H=https://x\nADD $H/y /z\n").marked == "$H/y");
}

TEST_CASE("expansions that need the base's environment are left for planning") {
    CHECK(refusal("FROM a\nADD ${X:?} /z\nENV b=${Y?}\n").message == "no error");
}

TEST_CASE("local ADD, COPY and configuration can be executed") {
    CHECK(refusal("FROM a\nADD x.tar.gz /\nCOPY <<E /f\nx\nE\nWORKDIR /w\nENV a=b\nONBUILD RUN x\nCMD y\n").message ==
          "no error");
}

TEST_CASE("a missing target is found before anything else") {
    PlanRequest request;
    request.target = "nope";
    CHECK(refusal("FROM a\nRUN x\n", request).kind == ErrorKind::not_found);
}
