// Stages, bases, targets and what COPY --from names.
#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

std::string image_of(const Base& base) { return std::get<ImageBase>(base).reference; }

PlanRequest with_target(std::string target) {
    PlanRequest request;
    request.target = std::move(target);
    return request;
}

}  // namespace

TEST_CASE("a stage on an image") {
    Planning planning;
    auto plan = planning.plan("FROM debian:12\n");
    REQUIRE(plan.stages.size() == 1);
    REQUIRE(image_of(plan.stages[0].base) == "debian:12");
    REQUIRE(plan.stages[0].text == "FROM debian:12");
    REQUIRE(plan.stages[0].number == 1);
    REQUIRE(plan.total_steps == 1);
    REQUIRE(planning.asked == Strings{"debian:12"});
}

TEST_CASE("a stage on nothing") {
    Planning planning;
    auto plan = planning.plan("FROM scratch\n");
    REQUIRE(std::holds_alternative<ScratchBase>(plan.stages[0].base));
    REQUIRE(planning.asked.empty());
    REQUIRE(plan.stages[0].config().working_dir == "/");
}

TEST_CASE("a stage on an earlier stage, whatever the case of its name") {
    auto plan = plan_of("FROM scratch AS Base\nUSER app\nFROM BASE\nWORKDIR /a\n");
    REQUIRE(std::get<StageBase>(plan.stages[1].base).stage == 0);
    REQUIRE(plan.stages[0].name == "base");
    REQUIRE(plan.stages[1].config().user == "app");
}

TEST_CASE("a stage's name covers an image of that name") {
    Planning planning;
    planning.plan("FROM debian AS ubuntu\nFROM ubuntu\n");
    REQUIRE(planning.asked == Strings{"debian"});
}

TEST_CASE("a stage cannot start from itself or a later one: those names are images") {
    Planning planning;
    auto plan = planning.plan(
        "FROM debian AS debian\nCOPY a /\nFROM later AS x\nCOPY --from=debian a /\nFROM scratch AS later\n"
        "COPY --from=x a /\n");
    REQUIRE(image_of(plan.stages[0].base) == "debian");
    REQUIRE(image_of(plan.stages[1].base) == "later");
}

TEST_CASE("of two stages of one name the latest before the line counts") {
    auto plan = plan_of("FROM scratch AS a\nUSER one\nFROM scratch AS a\nUSER two\nFROM a\n");
    REQUIRE(plan.stages.back().config().user == "two");
}

TEST_CASE("stages that the target does not need are left out and named") {
    Planning planning;
    auto plan = planning.plan("FROM one AS a\nFROM two\nFROM three AS c\nCOPY --from=a x /\n");
    REQUIRE(plan.stages.size() == 2);
    REQUIRE(plan.stages[0].index == 0);
    REQUIRE(plan.stages[1].index == 2);
    REQUIRE(plan.skipped == Strings{"stage 1"});
    REQUIRE(planning.asked == Strings{"one", "three"});
}

TEST_CASE("stages are needed through other stages") {
    auto plan = plan_of("FROM one AS a\nFROM two AS b\nCOPY --from=a x /\nFROM x AS unused\nFROM b\n");
    REQUIRE(plan.stages.size() == 3);
    REQUIRE(plan.skipped == Strings{"unused"});
    REQUIRE(std::get<StageBase>(plan.stages[2].base).stage == 1);
}

TEST_CASE("stages of the plan are numbered anew for COPY") {
    auto plan = plan_of("FROM one AS unused\nFROM two AS b\nFROM three\nCOPY --from=b x /\n");
    const auto& copy = std::get<CopyStep>(plan.stages[1].steps[0].action);
    REQUIRE(std::get<StageBase>(copy.source).stage == 0);
    REQUIRE(plan.stages[0].index == 1);
}

TEST_CASE("a mount needs its stage, too") {
    auto plan = plan_of("FROM one AS a\nFROM two\nRUN --mount=from=a,target=/x make\n");
    REQUIRE(plan.stages.size() == 2);
}

TEST_CASE("a base is asked for once") {
    Planning planning;
    planning.plan("FROM debian AS a\nFROM debian AS b\nCOPY --from=a x /\nFROM --platform=linux/arm64 debian\nCOPY "
                  "--from=b x /\n");
    REQUIRE(planning.asked == Strings{"debian", "debian"});
}

TEST_CASE("a target by name, in any case") {
    Planning planning;
    planning.request.target = "BUILD";
    auto plan = planning.plan("FROM one AS build\nFROM two\n");
    REQUIRE(plan.stages.size() == 1);
    REQUIRE(plan.skipped == Strings{"stage 1"});
}

TEST_CASE("a target by number") {
    Planning planning;
    planning.request.target = "0";
    REQUIRE(image_of(planning.plan("FROM one\nFROM two\n").stages.back().base) == "one");
}

TEST_CASE("a target that is not there") {
    auto error = failure("FROM a AS build\nFROM b AS final\n", with_target("biuld"));
    REQUIRE(error.kind == ErrorKind::not_found);
    REQUIRE(error.message == "\"Dockerfile\" has no stage \"biuld\"");
    REQUIRE(error.hint == "did you mean build?");
    REQUIRE(failure("FROM a AS build\nFROM b\n", with_target("other")).hint ==
            "its stages are build, 1 (without a name)");
    REQUIRE(failure("FROM a\nFROM b\n", with_target("2")).hint ==
            "its stages are 0 (without a name), 1 (without a name)");
    REQUIRE(failure("FROM a\n", with_target("x")).hint == "it has one stage, which has no name: leave --target out");
    REQUIRE(failure("FROM a AS final\n", with_target("x")).hint == "its only stage is final");
}

TEST_CASE("COPY takes from a stage by number") {
    auto plan = plan_of("FROM one\nFROM two\nCOPY --from=0 a /\n");
    REQUIRE(std::get<StageBase>(std::get<CopyStep>(plan.stages[1].steps[0].action).source).stage == 0);
}

TEST_CASE("COPY takes from an image") {
    auto plan = plan_of("FROM one\nCOPY --from=busybox:1 a /\n");
    auto image = std::get<ImageBase>(std::get<CopyStep>(plan.stages[0].steps[0].action).source);
    REQUIRE(image.reference == "busybox:1");
    REQUIRE(image.platform.text() == "linux/amd64");
}

TEST_CASE("COPY without --from takes from the context") {
    REQUIRE(std::holds_alternative<ContextSource>(last_copy("COPY a /\n").source));
}

TEST_CASE("a stage that comes later") {
    auto error = failure("FROM a\nCOPY --from=later x /\nFROM b AS later\n");
    REQUIRE(error.message == "the stage \"later\" is defined later, in line 3");
    REQUIRE(error.hint == "move that stage above this COPY");
    REQUIRE(error.marked == "--from=later");
    REQUIRE(error.line == 2);
}

TEST_CASE("a stage that copies from itself") {
    auto error = failure("FROM a AS me\nCOPY --from=me x /\n");
    REQUIRE(error.message == "the stage \"me\" cannot copy from itself");
    REQUIRE(failure("FROM a\nCOPY --from=0 x /\n").message == "there is no stage 0 before this one");
}

TEST_CASE("nothing can be copied from scratch") {
    for (const char* line : {"COPY --from=scratch x /", "RUN --mount=from=scratch,target=/m x"}) {
        auto error = failure(std::string("FROM a\n") + line + "\n");
        CHECK(error.kind == ErrorKind::dockerfile);
        CHECK(error.message == "scratch is empty: there is nothing to copy from it");
        CHECK_THAT(error.marked, ContainsSubstring("from=scratch"));
    }
    CHECK(plan_of("FROM a AS scratch\nFROM b\nCOPY --from=scratch x /\n").stages.size() == 2);
}

TEST_CASE("a stage number that is too large") {
    auto error = failure("FROM a\nFROM b\nCOPY --from=7 x /\n");
    REQUIRE(error.message == "there is no stage 7 before this one");
    REQUIRE(error.hint == "stages 0 to 0 are above this line");
}

TEST_CASE("a --from that is neither stage nor image") {
    auto error = failure("FROM a AS build\nFROM b\nCOPY --from=BIULD x /\n");
    REQUIRE_THAT(error.message, ContainsSubstring("\"BIULD\" is no stage, and no image"));
    REQUIRE(error.hint == "did you mean build?");
}

TEST_CASE("a named context takes the place of an image") {
    Planning planning;
    planning.request.named_contexts = {"docker.io/library/debian:latest"};
    auto plan = planning.plan("FROM debian\n");
    REQUIRE(std::get<NamedContextBase>(plan.stages[0].base).name == "docker.io/library/debian:latest");
}

TEST_CASE("a named context with a tag is for that tag only") {
    Planning planning;
    planning.request.named_contexts = {"debian:11"};
    REQUIRE(image_of(planning.plan("FROM debian:12\n").stages[0].base) == "debian:12");
    REQUIRE(std::holds_alternative<NamedContextBase>(planning.plan("FROM debian:11\n").stages[0].base));
}

TEST_CASE("a named context takes the place of a stage and of its instructions") {
    Planning planning;
    planning.request.named_contexts = {"base"};
    auto plan = planning.plan("FROM debian AS base\nUSER a\nFROM base\n");
    REQUIRE(std::get<NamedContextBase>(plan.stages[0].base).name == "base");
    REQUIRE(plan.stages[0].steps.empty());
    REQUIRE(planning.asked == Strings{"base"});
}

TEST_CASE("COPY takes from a named context") {
    Planning planning;
    planning.request.named_contexts = {"assets"};
    auto plan = planning.plan("FROM scratch\nCOPY --from=assets a /\n");
    REQUIRE(std::get<NamedContextBase>(std::get<CopyStep>(plan.stages[0].steps[0].action).source).name == "assets");
    REQUIRE(planning.asked.empty());
}

TEST_CASE("a base that is a directory is scratch with its files (L-11)") {
    Planning planning;
    planning.request.named_contexts = planning.request.file_contexts = {"dir"};
    for (const char* text : {"FROM dir\nENV a=1\n", "FROM debian AS dir\nUSER a\n"}) {
        auto plan = planning.plan(text);
        const Stage& stage = plan.stages[0];
        CHECK(std::holds_alternative<ScratchBase>(stage.base));
        CHECK(stage.config().user.empty());
        CHECK(stage.config().env.at(0) == "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        const auto& copy = std::get<CopyStep>(stage.steps.at(0).action);
        CHECK(std::get<NamedContextBase>(copy.source).name == "dir");
        CHECK(copy.paths == Strings{"."});
        CHECK(copy.destination == "/");
        CHECK(stage.steps.at(0).span.line == 1);
        CHECK(planning.asked.empty());
    }
}

TEST_CASE("a context that is scratch is scratch (L-12)") {
    Planning planning;
    planning.request.named_contexts = planning.request.empty_contexts = {"none"};
    for (const char* text : {"FROM none\n", "FROM debian AS none\nUSER a\n"}) {
        const auto plan = planning.plan(text);
        CHECK(std::holds_alternative<ScratchBase>(plan.stages.at(0).base));
        CHECK(plan.stages.at(0).steps.empty());
    }
    CHECK(planning.asked.empty());
    const auto error = failure_in([&] { planning.plan("FROM scratch\nCOPY --from=none a /\n"); });
    CHECK(error.message == "the build context \"none\" is scratch: there is nothing to copy from it");
}

TEST_CASE("no named context takes the place of scratch") {
    Planning planning;
    planning.request.named_contexts = {"scratch"};
    REQUIRE(std::holds_alternative<ScratchBase>(planning.plan("FROM scratch\n").stages[0].base));
}

TEST_CASE("a stage's platform is the request's, its flag's, or its base stage's") {
    auto plan = plan_of("FROM --platform=linux/arm64 a AS one\nFROM one AS two\nFROM b\nCOPY --from=two x /\n");
    REQUIRE(plan.stages[0].platform.text() == "linux/arm64");
    REQUIRE(plan.stages[1].platform.text() == "linux/arm64");
    REQUIRE(plan.stages[2].platform.text() == "linux/amd64");
}

TEST_CASE("a platform expands the predefined variables") {
    REQUIRE(plan_of("FROM --platform=$BUILDPLATFORM a\n").stages[0].platform.architecture == "arm64");
}

TEST_CASE("a bad platform") {
    auto error = failure("FROM --platform=linux/pdp11 a\n");
    REQUIRE(error.kind == ErrorKind::dockerfile);
    REQUIRE(error.marked == "--platform=linux/pdp11");
    REQUIRE(failure("FROM --platform=$NOPE a\n").message == "--platform is empty after expansion");
}

TEST_CASE("a FROM that expands to nothing") {
    auto error = failure("FROM $IMAGE\n");
    REQUIRE(error.message == "FROM has no image: $IMAGE is empty");
    REQUIRE(error.hint == "IMAGE is not set: give --build-arg IMAGE=VALUE, or ARG IMAGE=VALUE before the first FROM");
    REQUIRE(error.marked == "$IMAGE");
}

TEST_CASE("a FROM with an ARG of a stage") {
    auto error = failure("FROM a\nARG IMAGE=b\nFROM $IMAGE\n");
    REQUIRE(error.hint == "FROM sees only ARGs before the first FROM: give ARG IMAGE a default there");
}

TEST_CASE("a bad image reference is an error at its place") {
    auto error = failure("FROM Debian:12\n");
    REQUIRE(error.kind == ErrorKind::dockerfile);
    REQUIRE(error.line == 1);
    REQUIRE(error.marked == "Debian:12");
    REQUIRE(failure("FROM debian:$TAG\n").hint ==
            "TAG is not set: give --build-arg TAG=VALUE, or ARG TAG=VALUE before the first FROM");
}

TEST_CASE("needed bases are images and contexts of FROM, COPY and mounts, each once, in order") {
    PlanRequest request;
    request.named_contexts = {"ctx"};
    auto file = dockerfile::parse("FROM z AS unused\nFROM b AS one\nCOPY --from=img x /\nCOPY --from=ctx x /\nFROM b\n"
                                  "COPY --from=one x /\nCOPY --from=img y /\nRUN --mount=from=m,target=/x a\n",
                                  "Dockerfile");
    auto bases = needed_bases(file, request);
    REQUIRE(bases.size() == 4);
    REQUIRE(image_of(bases[0].base) == "b");
    REQUIRE(image_of(bases[1].base) == "img");
    REQUIRE(std::get<NamedContextBase>(bases[2].base).name == "ctx");
    REQUIRE(image_of(bases[3].base) == "m");
}

TEST_CASE("a needed base knows the place that names it first") {
    auto file =
        dockerfile::parse("FROM b AS one\nFROM b\nCOPY --from=img x /\nRUN --mount=from=m,target=/x a\n", "Dockerfile");
    auto bases = needed_bases(file, {});
    REQUIRE(bases.size() == 3);
    REQUIRE((bases[0].span.line == 2 && bases[0].span.column == 6));
    REQUIRE((bases[1].span.line == 3 && bases[1].span.column == 6));
    REQUIRE((bases[2].span.line == 4 && bases[2].span.column == 5));
}

TEST_CASE("needed bases of scratch are none") {
    REQUIRE(needed_bases(dockerfile::parse("FROM scratch\n", "Dockerfile"), {}).empty());
}

TEST_CASE("steps are numbered through the stages") {
    auto plan = plan_of("ARG g\nFROM scratch AS a\nUSER x\nFROM scratch AS unused\nUSER y\nFROM a\nENV b=c\nUSER z\n");
    REQUIRE(plan.stages[0].number == 1);
    REQUIRE(plan.stages[0].steps[0].number == 2);
    REQUIRE(plan.stages[1].number == 3);
    REQUIRE(plan.stages[1].steps[1].number == 5);
    REQUIRE(plan.total_steps == 5);
}

TEST_CASE("a step knows its text, its values and its line") {
    auto step = last_step("ENV a=b\nCOPY --chown=$a \\\n   x \\\n   $a/\n");
    REQUIRE(step.instruction == "COPY");
    REQUIRE(step.text == "COPY --chown=$a x $a/");
    REQUIRE(step.expanded == "COPY --chown=b x b/");
    REQUIRE(step.span.line == 3);
}
