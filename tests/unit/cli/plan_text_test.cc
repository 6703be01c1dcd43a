#include "gbuild/cli/plan_text.h"

#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

plan::Step step(int number, const std::string& expanded) {
    plan::Step step;
    step.number = number;
    step.instruction = expanded.substr(0, expanded.find(' '));
    step.text = step.expanded = expanded;
    step.span.line = number;
    return step;
}

plan::Plan sample() {
    plan::Plan plan;
    plan.total_steps = 4;
    plan.skipped = {"docs"};
    plan::Stage first, second;
    first.name = "build";
    first.text = "FROM scratch AS build";
    first.number = 1;
    first.base = plan::ScratchBase{};
    first.steps.push_back(step(2, "COPY a b"));
    plan::CopyStep copy;
    copy.paths = {"a"};
    copy.destination = "/b";
    copy.chown = "1:2";
    first.steps.back().action = copy;
    second.index = 2;
    second.text = "FROM build";
    second.number = 3;
    second.base = plan::StageBase{0};
    second.steps.push_back(step(4, "VOLUME /data"));
    second.steps.back().config.volumes = {"/data"};
    plan.stages = {first, second};
    return plan;
}

}  // namespace

TEST_CASE("a plan as trees") {
    CHECK(plan_text(sample()) == "stage build for linux/amd64, from nothing (scratch)\n"
                                 "├─ 1/4 FROM scratch AS build\n"
                                 "└─ 2/4 COPY a b\n"
                                 "\n"
                                 "stage 2 for linux/amd64, from stage build\n"
                                 "├─ 3/4 FROM build\n"
                                 "└─ 4/4 VOLUME /data\n"
                                 "\n"
                                 "not needed: docs\n"
                                 "\n"
                                 "image\n"
                                 "  volumes            /data\n"
                                 "  working directory  /\n");
}

TEST_CASE("a plan as JSON") {
    Json json = plan_json(sample());
    CHECK(json["totalSteps"] == 4);
    CHECK(json["skipped"].dump() == "[\"docs\"]");
    CHECK(json["stages"][0]["base"].dump() == "{\"kind\":\"scratch\"}");
    CHECK(json["stages"][1]["base"].dump() == "{\"kind\":\"stage\",\"stage\":0}");
    CHECK(json["stages"][0]["steps"][0]["action"].dump() ==
          "{\"kind\":\"copy\",\"source\":{\"kind\":\"context\"},\"paths\":[\"a\"],\"destination\":\"/b\","
          "\"exclude\":[],\"parents\":false,\"link\":false,\"chown\":\"1:2\"}");
    CHECK(json["stages"][1]["config"]["Volumes"].dump() == "{\"/data\":{}}");
}
