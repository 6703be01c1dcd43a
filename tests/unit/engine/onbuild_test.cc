#include <fstream>

#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "workshop.h"

using namespace gbuild;
using namespace gbuild::build;
using namespace gbuild::build::testing;

namespace {

// A layout with a base that has triggers, made by gbuild itself.
struct TriggeringBase {
    explicit TriggeringBase(const std::string& lines) {
        Workshop maker;
        BuildOptions options = maker.options("FROM scratch\nCOPY Dockerfile /base\n" + lines);
        options.writes_gvmi = false;
        options.timestamp = 1'700'000'000;
        ContainerOutput output;
        output.destination = dir.path() / "base";
        output.directory = true;
        output.names = {{"base", "latest"}};
        options.container_outputs = {output};
        run_build(options, maker.events);
    }
    BuildOptions options(std::string_view text) {
        BuildOptions options = shop.options(text);
        options.build_contexts["node"] = "oci-layout://" + (dir.path() / "base").native() + ":latest";
        return options;
    }

    TempDir dir;
    Workshop shop;
};

}  // namespace

TEST_CASE("a base image's triggers are executed first") {
    TriggeringBase world("ONBUILD COPY f /app/\nONBUILD WORKDIR /app\nONBUILD ENV A=b\n");
    world.shop.file("f", "one");
    run_build(world.options("FROM node\nCOPY f here\n"), world.shop.events);
    CHECK(world.shop.content("app/f") == "one");
    CHECK(world.shop.content("app/here") == "one");
    CHECK(world.shop.trailer().config.env_value("A") == "b");
    CHECK(world.shop.trailer().config.on_build.empty());
    std::vector<std::string> texts;
    for (const auto& step : world.shop.events.all<StepStarted>()) texts.push_back(step.text);
    CHECK(texts == std::vector<std::string>{"FROM node", "ONBUILD COPY f /app/", "ONBUILD WORKDIR /app",
                                            "ONBUILD ENV A=b", "COPY f here"});
}

TEST_CASE("a trigger that fails names itself and the base's place") {
    TriggeringBase world("ONBUILD COPY missing /\n");
    try {
        run_build(world.options("# a comment\nFROM node\n"), world.shop.events);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.message().find("missing") != std::string::npos);
        REQUIRE(error.span());
        CHECK(error.span()->line == 2);
        CHECK(error.context() == std::vector<std::string>{"executing the base's trigger \"ONBUILD COPY missing /\""});
    }
}

TEST_CASE("a trigger's RUN asks for a sandbox beforehand, and other triggers do not") {
    TriggeringBase run("ONBUILD RUN true\n"), copy("ONBUILD ENV a=b\n");
    BuildOptions options = copy.options("FROM node\n");
    NullSink nobody;
    CHECK_FALSE(Build(options, nobody).runs_commands());
    CHECK(Build(run.options("FROM node\n"), nobody).runs_commands());
    CHECK_THROWS_WITH(run_build(run.options("FROM node\n"), run.shop.events),
                      "\"ONBUILD RUN true\" cannot be executed here");
}
