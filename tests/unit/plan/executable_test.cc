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

TEST_CASE("expansions that need the base's environment are left for planning") {
    CHECK(refusal("FROM a\nADD ${X:?} /z\nENV b=${Y?}\n").message == "no error");
}

TEST_CASE("ADD, COPY and configuration can be executed") {
    CHECK(refusal("FROM a\nADD x.tar.gz /\nADD https://x/y git@x:y.git /z/\nCOPY <<E /f\nx\nE\nWORKDIR /w\nENV "
                  "a=b\nONBUILD RUN x\nCMD y\n")
              .message == "no error");
}

TEST_CASE("a missing target is found before anything else") {
    PlanRequest request;
    request.target = "nope";
    CHECK(refusal("FROM a\nRUN x\n", request).kind == ErrorKind::not_found);
}
