#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

Planning with_base(Strings on_build) {
    Planning planning;
    planning.configs["node"].config.on_build = std::move(on_build);
    return planning;
}

Strings texts_of(const Stage& stage) {
    Strings texts;
    for (const Step& step : stage.steps) texts.push_back(step.text);
    return texts;
}

Failure trigger_failure(const std::string& trigger, Strings* context = nullptr) {
    Planning planning = with_base({trigger});
    return failure_in([&] {
        try {
            planning.plan("ARG a\nFROM node AS x\nUSER u\n");
        } catch (const Error& error) {
            if (context) *context = error.context();
            throw;
        }
    });
}

}  // namespace

TEST_CASE("triggers of a base are the first steps, in their order, at the place of the base") {
    auto plan = with_base({"COPY --chown=1:2 . /app", "RUN npm install", "ENV a=b"}).plan("FROM node\nUSER $a\n");
    const Stage& stage = plan.stages.back();
    CHECK(texts_of(stage) ==
          Strings{"ONBUILD COPY --chown=1:2 . /app", "ONBUILD RUN npm install", "ONBUILD ENV a=b", "USER $a"});
    CHECK(stage.steps[0].number == 2);
    CHECK(stage.steps[3].number == 5);
    CHECK(plan.total_steps == 5);
    CHECK(stage.steps[1].instruction == "RUN");
    CHECK(stage.steps[1].is_trigger);
    CHECK_FALSE(stage.steps[3].is_trigger);
    CHECK(stage.steps[1].span.line == 1);
    CHECK(stage.steps[1].span.column == 6);
    CHECK(std::get<CopyStep>(stage.steps[0].action).chown == "1:2");
    CHECK(std::get<RunStep>(stage.steps[1].action).args == Strings{"/bin/sh", "-c", "npm install"});
    CHECK(stage.config().user == "b");
}

TEST_CASE("triggers are not handed on") {
    Planning planning = with_base({"ENV a=b"});
    auto plan = planning.plan("FROM node AS child\nFROM child\n");
    CHECK(texts_of(plan.stages[0]) == Strings{"ONBUILD ENV a=b"});
    CHECK(plan.stages[1].steps.empty());
    CHECK(plan.stages[1].config().on_build.empty());
    CHECK(plan.stages[1].config().env_value("a") == "b");
}

TEST_CASE("a stage's triggers are for every stage built on it, but not for the grandchildren") {
    auto plan = plan_of("FROM scratch AS a\nONBUILD USER u\nONBUILD ENV b=c\nFROM a AS x\nFROM a AS y\nFROM x AS z\n"
                        "FROM scratch\nCOPY --from=y . .\nCOPY --from=z . .\n");
    REQUIRE(plan.stages.size() == 5);
    CHECK(plan.stages[0].config().on_build == Strings{"USER u", "ENV b=c"});
    CHECK(texts_of(plan.stages[1]) == Strings{"ONBUILD USER u", "ONBUILD ENV b=c"});
    CHECK(texts_of(plan.stages[2]) == Strings{"ONBUILD USER u", "ONBUILD ENV b=c"});
    CHECK(plan.stages[3].steps.empty());
    CHECK(plan.stages[2].steps[0].span.line == 5);
    CHECK(plan.stages[2].config().on_build.empty());
}

TEST_CASE("a target keeps the triggers that it sets itself") {
    auto plan = with_base({"USER x"}).plan("FROM node\nONBUILD USER y\n");
    CHECK(plan.stages.back().config().on_build == Strings{"USER y"});
    CHECK(plan.stages.back().config().user == "x");
}

TEST_CASE("a trigger's ARG and heredoc work as if written in the Dockerfile") {
    Planning planning = with_base({"ARG v=1", "COPY <<E /f-$v\nhi $v\nE", "RUN <<E\nmake $v\nE", "LABEL l=$v"});
    planning.request.build_args["v"] = "2";
    auto plan = planning.plan("FROM node\nENV w=$v\n");
    const auto& steps = plan.stages.back().steps;
    const auto& copy = std::get<CopyStep>(steps[1].action);
    CHECK(copy.destination == "/f-2");
    CHECK(copy.inline_files.at(0).contents == "hi 2\n");
    CHECK(std::get<RunStep>(steps[2].action).heredocs.at(0).contents == "make $v\n");
    CHECK(plan.stages.back().config().labels.at("l") == "2");
    CHECK(plan.stages.back().config().env_value("w") == "2");
    CHECK(ids(plan.warnings).empty());
}

TEST_CASE("a trigger is read with \\ as the escape character whatever the Dockerfile's") {
    auto plan = with_base({"RUN a \\\n  b", "CMD c"}).plan("# escape=`\nFROM node\n");
    CHECK(std::get<RunStep>(plan.stages.back().steps[0].action).args.back() == "a   b");
}

TEST_CASE("a trigger may copy from stages and images") {
    Planning planning = with_base({"COPY --from=tools /bin/x /x", "COPY --from=busybox /bin/sh /sh"});
    auto file = dockerfile::parse("FROM alpine AS tools\nFROM node\n", "Dockerfile");
    auto names = [&] {
        Strings result;
        for (const auto& needed : needed_bases(file, planning.request)) {
            result.push_back(std::get<ImageBase>(needed.base).reference);
        }
        return result;
    };
    auto config_of = [&](const Base& base) { return planning.configs[std::get<ImageBase>(base).reference]; };
    CHECK(names() == Strings{"node"});
    CHECK(add_triggers(file, planning.request, config_of));
    CHECK(names() == Strings{"alpine", "node", "busybox"});
    CHECK_FALSE(add_triggers(file, planning.request, config_of));
    auto plan = make_plan(file, planning.request, config_of);
    REQUIRE(plan.stages.size() == 2);
    CHECK(std::get<StageBase>(std::get<CopyStep>(plan.stages[1].steps[0].action).source).stage == 0);
}

TEST_CASE("a stage that only a trigger needs has its own base's triggers") {
    Planning planning = with_base({"COPY --from=tools /x /x"});
    planning.configs["alpine"].config.on_build = {"USER t"};
    auto plan = planning.plan("FROM alpine AS tools\nFROM node\n");
    REQUIRE(plan.stages.size() == 2);
    CHECK(texts_of(plan.stages[0]) == Strings{"ONBUILD USER t"});
}

TEST_CASE("RUN in a trigger counts as a command") {
    auto file = dockerfile::parse("FROM node\n", "Dockerfile");
    CHECK_FALSE(runs_commands(file, {}));
    oci::ImageConfig config;
    config.config.on_build = {"RUN true"};
    CHECK(add_triggers(file, {}, [&](const Base&) { return config; }));
    CHECK(runs_commands(file, {}));
}

TEST_CASE("a context in place of a stage keeps its triggers for the stages built on it") {
    Planning planning;
    planning.request.named_contexts = {"base"};
    planning.configs["base"].config.on_build = {"USER u"};
    auto plan = planning.plan("FROM scratch AS base\nENV x=y\nFROM base\n");
    CHECK(plan.stages[0].steps.empty());
    CHECK(texts_of(plan.stages[1]) == Strings{"ONBUILD USER u"});
    CHECK(planning.plan("FROM scratch AS base\n").stages.back().config().on_build == Strings{"USER u"});
    CHECK(texts_of(planning.plan("FROM base\n").stages.back()) == Strings{"ONBUILD USER u"});
}

TEST_CASE("triggers of stages that nothing needs are not looked at") {
    Planning planning = with_base({"NONSENSE"});
    planning.request.target = "b";
    CHECK(planning.plan("FROM node AS a\nFROM scratch AS b\n").stages.size() == 1);
}

TEST_CASE("what no trigger can be is refused at the base, and named") {
    Strings context;
    auto error = trigger_failure("RNU make", &context);
    CHECK(error.kind == ErrorKind::dockerfile);
    CHECK(error.message == "unknown instruction \"RNU\"");
    CHECK(error.hint == "did you mean RUN?");
    CHECK((error.line == 2 && error.marked == "node"));
    CHECK(context == Strings{"executing the base's trigger \"ONBUILD RNU make\""});

    CHECK(trigger_failure("ONBUILD RUN a").message == "ONBUILD cannot trigger ONBUILD");
    CHECK(trigger_failure("from x").message == "ONBUILD cannot trigger \"from\"");
    CHECK(trigger_failure("MAINTAINER x").message == "ONBUILD cannot trigger \"MAINTAINER\"");
    CHECK(trigger_failure("").message == "a trigger of the base image is empty");
    CHECK(trigger_failure("# no more").message == "a trigger of the base image is empty");
    CHECK(trigger_failure("USER a\nUSER b").message == "a trigger of the base image holds more than one instruction");
    CHECK(trigger_failure("COPY --form=x a b").marked == "node");
    CHECK(trigger_failure("COPY <<E /x\nbody").message == "the heredoc \"E\" is not ended");
}

TEST_CASE("an error in planning a trigger names it once") {
    Strings context;
    auto error = trigger_failure("USER ${NOPE:?is needed}", &context);
    CHECK(error.message == "NOPE: is needed");
    CHECK((error.line == 2 && error.marked == "node"));
    CHECK(context == Strings{"executing the base's trigger \"ONBUILD USER ${NOPE:?is needed}\""});
    error = trigger_failure("COPY --from=7 a b", &context);
    CHECK(error.message == "there is no stage 7 before this one");
    CHECK(error.marked == "node");
    CHECK(context.size() == 1);
}
