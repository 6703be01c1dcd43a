#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

bool runs(std::string_view text, const PlanRequest& request = {}) {
    return runs_commands(dockerfile::parse(text, "Dockerfile"), request);
}

}  // namespace

TEST_CASE("RUN counts in stages that are needed") {
    CHECK(runs("FROM a\nRUN true\n"));
    CHECK_FALSE(runs("FROM a\nCOPY b c\n"));
    CHECK_FALSE(runs("FROM a AS x\nRUN true\nFROM scratch\n"));
    CHECK(runs("FROM a AS x\nRUN true\nFROM scratch\nCOPY --from=x a /\n"));
    CHECK(runs("FROM a AS x\nRUN true\nFROM x\n"));
}

TEST_CASE("a missing target is found before anything else") {
    PlanRequest request;
    request.target = "nope";
    CHECK(failure_in([&] { runs("FROM a\nRUN x\n", request); }).kind == ErrorKind::not_found);
}
