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

std::string repeated(int count, const std::string& text) {
    std::string result;
    for (int i = 0; i < count; i++) result += text;
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

TEST_CASE("a value that doubles fills no memory") {
    const std::string doubled = "ENV A=aaaaaaaa\n" + repeated(16, "ENV A=$A$A\n");
    auto many = failure_of(doubled + numbered(150, "ENV B", "=$A\n"));
    CHECK(many.kind == ErrorKind::limit);
    CHECK(many.message == "the configuration of the image grows too large");
    CHECK(many.line > 18);
    auto one = failure_of(doubled + "ENV " + numbered(150, "B", "=$A ") + "\n");
    CHECK(one.kind == ErrorKind::limit);
    CHECK(one.message == "the instruction expands to more than 16.8 MB");
    CHECK(one.line == 19);
}

TEST_CASE("ARGs that double fill no memory") {
    const std::string doubled = "ARG A=aaaaaaaa\n" + repeated(16, "ARG A=$A$A\n");
    CHECK(failure_of(doubled + numbered(150, "ARG B", "=$A\n")).kind == ErrorKind::limit);
    CHECK(failure(doubled + numbered(150, "ARG B", "=$A\n") + "FROM scratch\n").kind == ErrorKind::limit);
    CHECK(failure_of(doubled + repeated(1000, "RUN x\n")).kind == ErrorKind::limit);
}

TEST_CASE("long commands count as configuration") {
    std::string words = "CMD [\"x\"" + repeated(100'000, ",\"x\"") + "]\n";
    CHECK(failure_of(words + repeated(500, "USER a\n")).message == "the configuration of the image grows too large");
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

TEST_CASE("paths longer than the system's are refused where they are written") {
    const std::string path = repeated(20'000, "/a");
    for (const std::string& line : {"COPY f " + path, "WORKDIR " + path, "VOLUME " + path}) {
        auto error = failure_of("USER u\n" + line + "\n");
        CHECK(error.kind == ErrorKind::dockerfile);
        CHECK_THAT(error.message, ContainsSubstring("has 40000 bytes, more than the 4096 of any path"));
        CHECK(error.line == 3);
        CHECK(error.marked.substr(0, 4) == "/a/a");
    }
}

TEST_CASE("a path that grows is refused like one that is written long") {
    auto error = failure_of(repeated(100, "WORKDIR " + repeated(30, "aaa/") + "\n"));
    CHECK(error.message == "a path of WORKDIR has 4200 bytes, more than the 4096 of any path");
    CHECK(error.line == 36);
    CHECK(failure_of("WORKDIR /" + std::string(3000, 'w') + "\nCOPY f " + std::string(3000, 'd') + "\n").line == 3);
}

TEST_CASE("ports are counted once, however often they are exposed") {
    std::string words = repeated(2000, " 0-65535") + repeated(5000, " 1.2.3.4:80:80");
    auto plan = plan_of("FROM scratch\nEXPOSE" + words + "\n");
    CHECK(plan.stages.back().config().exposed_ports.size() == 65536);
    CHECK(plan.warnings.size() == 1000);
}
