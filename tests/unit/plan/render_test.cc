#include <nlohmann/json.hpp>

#include "gbuild/plan/render.h"
#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

nlohmann::json json_of(std::string_view text) { return nlohmann::json::parse(to_json(plan_of(text))); }

const char* secret = "http://user:pass@proxy:3128";

Plan plan_with_proxy(std::string_view text) {
    Planning planning;
    planning.request.build_args = {{"http_proxy", secret}};
    return planning.plan(text);
}

}  // namespace

TEST_CASE("the text is a tree of stages and steps with values") {
    CHECK(to_text(plan_of("ARG T=12\nFROM debian:$T AS base\nENV a=b\nFROM x AS unused\nFROM base\nWORKDIR /$a w\n"
                          "COPY --from=base /etc/$a .\nCOPY <<f f2 /x/\nhi\nf\n")) ==
          "  1  FROM debian:$T AS base  [base]\n"
          "     from image debian:12 (linux/amd64)\n"
          "  2    ENV a=b\n"
          "  3  FROM base  [stage 2]\n"
          "     from stage base\n"
          "  4    WORKDIR /b w\n"
          "  5    COPY --from=base /etc/b .\n"
          "         stage base -> /b w/\n"
          "  6    COPY f2 <<f /x/\n"
          "         the build context -> /x/\n"
          "not needed: unused\n");
}

TEST_CASE("the text shows no control characters of the file") {
    CHECK(to_text(plan_of("FROM scratch\nUSER \x1b[31m\n")).find('\x1b') == std::string::npos);
}

TEST_CASE("the JSON holds stages, steps and the configuration") {
    auto json = json_of("FROM debian AS a\nFROM a\nCOPY --chown=u x /y/\nENV k=v\n");
    CHECK(json["totalSteps"] == 4);
    CHECK(json["stages"][0]["base"]["kind"] == "image");
    CHECK(json["stages"][0]["base"]["reference"] == "debian");
    CHECK(json["stages"][1]["base"] == nlohmann::json::parse(R"({"kind": "stage", "stage": 0})"));
    auto copy = json["stages"][1]["steps"][0];
    CHECK(copy["instruction"] == "COPY");
    CHECK(copy["line"] == 3);
    CHECK(copy["expanded"] == "COPY --chown=u x /y/");
    CHECK(copy["action"]["kind"] == "copy");
    CHECK(copy["action"]["chown"] == "u");
    CHECK(copy["action"]["destination"] == "/y/");
    CHECK(copy["action"]["source"]["kind"] == "context");
    CHECK(json["stages"][1]["config"]["env"][1] == "k=v");
}

TEST_CASE("the JSON holds RUN, WORKDIR and warnings") {
    auto json = json_of("FROM scratch\nWORKDIR a$X\nRUN [\"b\"]\n");
    CHECK(json["stages"][0]["steps"][0]["action"] == nlohmann::json::parse(R"({"kind": "workdir", "path": "/a"})"));
    CHECK(json["stages"][0]["steps"][1]["action"]["form"] == "exec");
    CHECK(json["warnings"].size() == 2);
    CHECK(json["warnings"][0]["line"] == 2);
}

TEST_CASE("values of proxies are never shown") {
    auto plan = plan_with_proxy("FROM scratch\nARG http_proxy\nENV p=$http_proxy/x q=${http_proxy#*//} "
                                "r=${http_proxy##*user:}\nLABEL l=$http_proxy\nWORKDIR /$http_proxy\n"
                                "COPY <<f /f\n$http_proxy\nf\nCOPY x$http_proxy /g\nRUN x\nCMD y\n");
    for (const std::string& text : {to_text(plan), to_json(plan)}) {
        CHECK(text.find("pass") == std::string::npos);
        CHECK(text.find("***") != std::string::npos);
    }
    for (const Step& step : plan.stages[0].steps) CHECK(step.expanded.find("pass") == std::string::npos);
}
