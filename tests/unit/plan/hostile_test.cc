// Files that ask for more than any honest one.
#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

std::string numbered(int count, const std::string& before, const std::string& after) {
    std::string result;
    for (int i = 0; i < count; i++) result += before + std::to_string(i) + after;
    return result;
}

}  // namespace

TEST_CASE("too many stages are refused at the first that is too many") {
    auto error = failure(numbered(1001, "FROM a AS s", "\n"));
    REQUIRE(error.kind == ErrorKind::limit);
    REQUIRE(error.message == "more than 1000 stages");
    REQUIRE(error.line == 1001);
}

TEST_CASE("too many variables are refused") {
    REQUIRE(failure_of("ENV " + numbered(10'001, "a", "=1 ") + "\n").message ==
            "more than 10000 environment variables");
}

TEST_CASE("too many ARGs are refused") {
    auto error = failure_of("ARG " + numbered(1001, "a", " ") + "\n");
    REQUIRE(error.message == "more than 1000 ARGs in a stage");
}

TEST_CASE("many steps with a large configuration are refused before they fill the memory") {
    auto error = failure_of("EXPOSE 0-65535\n" + numbered(1000, "USER u", "\n"));
    REQUIRE(error.kind == ErrorKind::limit);
    REQUIRE(error.message == "the configuration of the image grows too large");
}

TEST_CASE("warnings have an end") {
    auto plan = plan_of("FROM scratch\n" + numbered(3000, "ENV a=$n", "\n"));
    REQUIRE(plan.warnings.size() == 1000);
}

TEST_CASE("a long chain of stages is planned") {
    std::string text = "FROM scratch AS s0\n";
    for (int i = 1; i < 1000; i++)
        text += "FROM s" + std::to_string(i - 1) + " AS s" + std::to_string(i) + "\nUSER u\n";
    REQUIRE(plan_of(text).stages.size() == 1000);
}
