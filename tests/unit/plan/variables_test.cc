// ARG, ENV and what sees them.
#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

// What "ENV r=$v" sees after `lines`, with build arguments.
std::string seen(const std::string& lines, const std::string& expression,
                 std::map<std::string, std::string> args = {}) {
    Planning planning;
    planning.request.build_args = std::move(args);
    auto plan = planning.plan(lines + "ENV r=\"" + expression + "\"\n");
    return *plan.stages.back().config().env_value("r");
}

std::string first_image(const std::string& text, std::map<std::string, std::string> args = {}) {
    Planning planning;
    planning.request.build_args = std::move(args);
    return std::get<ImageBase>(planning.plan(text).stages[0].base).reference;
}

}  // namespace

TEST_CASE("FROM sees global ARGs") {
    CHECK(first_image("ARG TAG=12\nFROM debian:$TAG\n") == "debian:12");
    CHECK(first_image("ARG TAG=12\nFROM debian:$TAG\n", {{"TAG", "11"}}) == "debian:11");
    CHECK(first_image("ARG TAG\nFROM debian:${TAG:-10}\n") == "debian:10");
    CHECK(first_image("ARG A=1\nARG B=$A-slim\nFROM debian:$B\n") == "debian:1-slim");
    CHECK(first_image("ARG A=1 B=$A-x\nFROM debian:$B\n") == "debian:1-x");
}

TEST_CASE("a build argument counts also for an ARG without default") {
    CHECK(first_image("ARG TAG\nFROM debian:$TAG\n", {{"TAG", "9"}}) == "debian:9");
}

TEST_CASE("FROM does not see build arguments without ARG") {
    REQUIRE(failure("FROM $X\n",
                    [] {
                        PlanRequest request;
                        request.build_args = {{"X", "debian"}};
                        return request;
                    }())
                .message == "FROM has no image: $X is empty");
}

TEST_CASE("a global ARG is unknown in a stage until it is declared there") {
    CHECK(seen("ARG v=1\nFROM scratch\n", "$v") == "");
    CHECK(seen("ARG v=1\nFROM scratch\nARG v\n", "$v") == "1");
    CHECK(seen("ARG v=1\nFROM scratch\nARG v=2\n", "$v") == "2");
    CHECK(seen("ARG v=1\nFROM scratch\nARG v\n", "$v", {{"v", "3"}}) == "3");
}

TEST_CASE("a stage's ARG takes the build argument before its default") {
    CHECK(seen("FROM scratch\nARG v=1\n", "$v") == "1");
    CHECK(seen("FROM scratch\nARG v=1\n", "$v", {{"v", "2"}}) == "2");
    CHECK(seen("FROM scratch\nARG v=1\n", "$v", {{"v", ""}}) == "");
}

TEST_CASE("a default that a build argument replaces is not expanded") {
    CHECK(seen("FROM scratch\nARG v=${must?be set}\n", "$v", {{"v", "2"}}) == "2");
}

TEST_CASE("an ARG counts from its line on") { CHECK(seen("FROM scratch\nENV a=$v\nARG v=1\n", "$a-$v") == "-1"); }

TEST_CASE("an ARG of one stage is unknown in the next") {
    CHECK(seen("FROM scratch AS a\nARG v=1\nFROM scratch\nCOPY --from=a x /\n", "$v") == "");
}

TEST_CASE("an ARG of the stage below is known above it") {
    CHECK(seen("FROM scratch AS a\nARG v=1\nFROM a\n", "$v") == "1");
}

TEST_CASE("of an ARG and an ENV of one name the later line wins (L-1)") {
    CHECK(seen("FROM scratch\nARG v=1\nENV v=2\n", "$v") == "2");
    CHECK(seen("FROM scratch\nARG v=1\nENV v=2\n", "$v", {{"v", "3"}}) == "2");
    CHECK(seen("FROM scratch\nENV v=2\nARG v=1\n", "$v") == "1");
    CHECK(seen("FROM scratch\nENV v=2\nARG v\n", "$v", {{"v", "3"}}) == "3");
    CHECK(seen("FROM scratch\nENV v=2\nARG v=1\n", "$v", {{"v", "3"}}) == "3");
    CHECK(seen("ARG v=4\nFROM scratch\nENV v=2\nARG v\n", "$v") == "4");
    CHECK(seen("FROM scratch\nENV v=2\nARG v=1\nENV v=5\n", "$v", {{"v", "3"}}) == "5");
    CHECK(seen("FROM scratch\nENV v=2\nARG v=1\nENV v=5\nARG v=6\n", "$v") == "6");
    CHECK(seen("FROM scratch\nENV v=2\nARG v=\n", "[$v]") == "[]");
    CHECK(seen("FROM scratch\nENV v=2\nARG v=${v}3\n", "$v") == "23");
}

TEST_CASE("an ARG that has no value leaves ENV as it is (L-1)") {
    CHECK(seen("FROM scratch\nENV v=2\nARG v\n", "$v") == "2");
    CHECK(seen("FROM scratch\nARG v=1\nENV v=2\nARG v\n", "$v") == "2");
    CHECK(seen("FROM scratch\nARG v=1\nENV v=2\nARG v\n", "$v", {{"v", "3"}}) == "3");
}

TEST_CASE("an ARG beats the environment of the base, whose stored value stays (L-1)") {
    Planning planning;
    planning.configs["b"].config.env = {"v=base", "PATH=/base"};
    auto value = [&](const std::string& lines) { return planning.plan(lines).stages.back().config().env_value("r"); };
    CHECK(value("FROM b\nARG v=arg\nENV r=$v\n") == "arg");
    CHECK(value("FROM b\nARG v\nENV r=$v\n") == "base");
    CHECK(value("ARG v=global\nFROM b\nARG v\nENV r=$v\n") == "global");
    planning.request.build_args = {{"v", "given"}, {"PATH", "/given"}};
    CHECK(value("FROM b\nARG v\nENV r=$v\n") == "given");
    CHECK(value("FROM b\nARG PATH\nENV r=$PATH\n") == "/given");
    const auto plan = planning.plan("FROM b\nARG v PATH\nRUN x\n");
    const auto& run = std::get<RunStep>(plan.stages[0].steps.back().action);
    CHECK(run.arg_environment == std::map<std::string, std::string>{{"PATH", "/given"}, {"v", "given"}});
    CHECK(plan.stages[0].config().env == Strings{"v=base", "PATH=/base"});
}

TEST_CASE("a stage begins with the environment of the stage below above its ARGs (L-1)") {
    CHECK(seen("FROM scratch AS a\nENV v=1\nARG v=2\nFROM a\n", "$v") == "1");
    CHECK(seen("FROM scratch AS a\nENV v=1\nARG v=2\nFROM a\nARG v=3\n", "$v") == "3");
    CHECK(seen("FROM scratch AS a\nENV v=1\nARG v=2\nENV w=$v\nFROM a\n", "$v$w") == "12");
    CHECK(seen("FROM scratch AS a\nENV v=1\nARG v=2\nFROM scratch\n", "$v") == "");
}

TEST_CASE("every instruction that expands sees the later of ARG and ENV (L-1)") {
    Planning planning;
    planning.configs["b"].config.env = {"v=base"};
    planning.request.build_args = {{"v", "arg"}};
    const auto plan =
        planning.plan("FROM b\nARG v\nWORKDIR /$v\nUSER $v\nLABEL l=$v\nVOLUME /$v\nSTOPSIGNAL SIG${v:+INT}\n"
                      "COPY --chown=$v $v <<EOF /$v/\n$v\nEOF\nADD --chmod=${v:+755} $v /$v/\n");
    const auto& stage = plan.stages[0];
    CHECK(std::get<WorkdirStep>(stage.steps[1].action).path == "/arg");
    CHECK(stage.config().user == "arg");
    CHECK(stage.config().labels.at("l") == "arg");
    CHECK(stage.config().volumes.contains("/arg"));
    const auto& copy = std::get<CopyStep>(stage.steps[6].action);
    CHECK(copy.chown == "arg");
    CHECK(copy.inline_files.at(0).contents == "arg\n");
    CHECK(copy.destination == "/arg/");
    CHECK(std::get<CopyStep>(stage.steps[7].action).paths == Strings{"arg"});
}

TEST_CASE("triggers see the later of ARG and ENV, too (L-1)") {
    Planning planning;
    planning.configs["b"].config.env = {"v=base"};
    planning.configs["b"].config.on_build = {"ARG v=trigger", "WORKDIR /$v"};
    CHECK(planning.plan("FROM b\n").stages[0].config().working_dir == "/trigger");
}

TEST_CASE("one ENV sees the values from before it") {
    auto config = config_of("ENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\n");
    CHECK(config.env_value("abc") == "bye");
    CHECK(config.env_value("def") == "hello");
    CHECK(config.env_value("ghi") == "bye");
}

TEST_CASE("one ARG instruction sees its own earlier names") {
    CHECK(seen("FROM scratch\nARG a=1 b=$a\n", "$b") == "1");
}

TEST_CASE("ENV keeps the place of a variable it sets again") {
    auto config = config_of("ENV a=1\nENV b=2\nENV a=3\n");
    REQUIRE(config.env == Strings{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "a=3", "b=2"});
}

TEST_CASE("ENV values lose their quotes, old form included") {
    CHECK(config_of("ENV a=\"x y\" b='$a' c=d\\ e\n").env_value("a") == "x y");
    CHECK(config_of("ENV b='$a'\n").env_value("b") == "$a");
    CHECK(config_of("ENV c=d\\ e\n").env_value("c") == "d e");
    CHECK(config_of("ENV old one  two\n").env_value("old") == "one  two");
}

TEST_CASE("ENV names are expanded") { CHECK(config_of("ENV n=x\nENV ${n}_y=1\n").env_value("x_y") == "1"); }

TEST_CASE("an ENV name that expands to nothing") {
    auto error = failure_of("ENV $nope=1\n");
    REQUIRE(error.message == "a name in ENV is empty after expansion");
    REQUIRE(error.line == 2);
}

TEST_CASE("the platform's variables are known to FROM, and to stages that declare them") {
    CHECK(first_image("FROM a:$TARGETARCH-$BUILDARCH\n") == "a:amd64-arm64");
    CHECK(seen("FROM scratch\n", "$TARGETARCH") == "");
    CHECK(seen("FROM scratch\nARG TARGETPLATFORM TARGETOS BUILDPLATFORM\n",
               "$TARGETPLATFORM $TARGETOS $BUILDPLATFORM") == "linux/amd64 linux linux/arm64");
    CHECK(seen("FROM scratch\nARG TARGETARCH\n", "$TARGETARCH", {{"TARGETARCH", "riscv64"}}) == "riscv64");
    CHECK(seen("FROM scratch\nARG TARGETVARIANT\n", "[$TARGETVARIANT]") == "[]");
}

TEST_CASE("proxies are the commands' alone unless an ARG declares them (L-4)") {
    CHECK(seen("FROM scratch\n", "[$http_proxy]", {{"http_proxy", "p"}}) == "[]");
    CHECK(seen("FROM scratch\nARG http_proxy\n", "$http_proxy", {{"http_proxy", "p"}}) == "p");
}

TEST_CASE("a proxy that is given has both cases in commands (L-4)") {
    using Map = std::map<std::string, std::string>;
    auto proxies = [](const std::string& lines, Map args) {
        Planning planning;
        planning.request.build_args = std::move(args);
        auto plan = planning.plan("FROM scratch\n" + lines + "RUN x\n");
        CHECK(plan.warnings.empty());
        return std::get<RunStep>(plan.stages[0].steps.back().action).proxies;
    };
    for (std::string name : {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}) {
        std::string capitals = name;
        for (char& c : capitals) c = c == '_' ? c : static_cast<char>(c - 'a' + 'A');
        std::string mixed = name;
        mixed[0] = capitals[0];
        const Map both{{name, "p"}, {capitals, "p"}};
        CHECK(proxies("", {{name, "p"}}) == both);
        CHECK(proxies("", {{capitals, "p"}}) == both);
        CHECK(proxies("", {{mixed, "p"}}) == both);
        CHECK(proxies("ARG " + capitals + "\n", {{capitals, "p"}}) == both);
        CHECK(proxies("ENV " + capitals + "=e\n", {{capitals, "p"}}) == both);
        CHECK(proxies("", {{capitals, "P"}, {name, "p"}}) == both);
        CHECK(proxies("", {{name, ""}}) == Map{{name, ""}, {capitals, ""}});
    }
    CHECK(proxies("", {}) == Map{});
}

TEST_CASE("TARGETSTAGE is the target's name (L-9)") {
    auto stage = [](const std::string& text, const std::string& target) {
        Planning planning;
        planning.request.target = target;
        return *planning.plan(text).stages.back().config().env_value("r");
    };
    const std::string lines = "ARG TARGETSTAGE\nENV r=$TARGETSTAGE\n";
    CHECK(stage("FROM scratch\n" + lines, "") == "default");
    CHECK(stage("FROM scratch AS a\n" + lines, "") == "a");
    CHECK(stage("FROM scratch AS a\n" + lines, "a") == "a");
    CHECK(stage("FROM scratch AS a\n" + lines, "0") == "a");
    CHECK(stage("FROM scratch\n" + lines, "0") == "default");
    CHECK(stage("FROM scratch AS a\n" + lines + "FROM a AS b\n", "") == "b");
    CHECK(stage("FROM scratch AS a\n" + lines + "FROM a\n", "") == "default");
    CHECK(stage("FROM scratch AS a\nFROM scratch AS b\n" + lines, "b") == "b");
    CHECK(first_image("FROM i:$TARGETSTAGE\n") == "i:default");
    CHECK(seen("FROM scratch\n", "[$TARGETSTAGE]") == "[]");
    CHECK(seen("FROM scratch\nARG TARGETSTAGE\n", "$TARGETSTAGE", {{"TARGETSTAGE", "mine"}}) == "mine");
}

TEST_CASE("names are made of letters of any script (L-10)") {
    CHECK(seen("FROM scratch\nARG A한=1 é=2\nENV A=3\n", "$A한-$é-$A") == "1-2-3");
    auto plan = plan_of("FROM scratch\nENV A=1\nENV b=x$A한y c=$é\n");
    CHECK(plan.stages[0].config().env_value("b") == "x");
    REQUIRE(plan.warnings.size() == 2);
    CHECK(plan.warnings[0].message == "the variable A한y is not set");
    CHECK(plan.warnings[1].message == "the variable é is not set");
}

TEST_CASE("SOURCE_DATE_EPOCH as an argument is the epoch (L-8)") {
    auto epoch = [](const std::string& text, std::map<std::string, std::string> args = {}) {
        Planning planning;
        planning.request.build_args = std::move(args);
        return planning.plan(text).epoch;
    };
    CHECK(epoch("FROM scratch\n") == std::nullopt);
    CHECK(epoch("FROM scratch\n", {{"SOURCE_DATE_EPOCH", "12"}}) == 12);
    CHECK(epoch("ARG SOURCE_DATE_EPOCH=13\nFROM scratch\n") == 13);
    CHECK(epoch("ARG T=14\nARG SOURCE_DATE_EPOCH=$T\nFROM scratch\n") == 14);
    CHECK(epoch("ARG SOURCE_DATE_EPOCH=13\nFROM scratch\n", {{"SOURCE_DATE_EPOCH", "12"}}) == 12);
    CHECK(epoch("ARG SOURCE_DATE_EPOCH\nFROM scratch\n") == std::nullopt);
    CHECK(epoch("ARG SOURCE_DATE_EPOCH=\nFROM scratch\n") == std::nullopt);
    CHECK(epoch("FROM scratch\nARG SOURCE_DATE_EPOCH=13\n") == std::nullopt);
    CHECK(epoch("FROM scratch\n", {{"SOURCE_DATE_EPOCH", "0"}}) == 0);
    for (std::string bad : {"soon", "-1", "1.5", "0x10", "99999999999999999999", "12 "}) {
        CAPTURE(bad);
        const auto error = failure("FROM scratch\n", [&] {
            PlanRequest request;
            request.build_args = {{"SOURCE_DATE_EPOCH", bad}};
            return request;
        }());
        CHECK(error.kind == ErrorKind::usage);
        CHECK_THAT(error.message, ContainsSubstring("--build-arg SOURCE_DATE_EPOCH is not a number of seconds"));
        const auto in_file = failure("ARG A=1 SOURCE_DATE_EPOCH=\"" + bad + "\"\nFROM scratch\n");
        CHECK(in_file.kind == ErrorKind::dockerfile);
        CHECK(in_file.line == 1);
        CHECK_THAT(in_file.marked, ContainsSubstring("SOURCE_DATE_EPOCH="));
    }
}

TEST_CASE("build arguments for builders that mean nothing here are noticed (L-14)") {
    Planning planning;
    planning.request.build_args = {{"BUILDKIT_SYNTAX", "docker/dockerfile:1"}};
    const auto plan = planning.plan("FROM scratch\n");
    REQUIRE(ids(plan.warnings) == Strings{"ignored-build-arg"});
    CHECK(plan.warnings[0].message == "the build argument \"BUILDKIT_SYNTAX\" has no effect");
    planning.request.build_args = {{"BUILDKIT_INLINE_CACHE", "1"}};
    CHECK(ids(planning.plan("FROM scratch\n").warnings) == Strings{"ignored-build-arg"});
    planning.request.build_args = {{"BUILDKIT_DOCKERFILE_CHECK", "skip=all"}, {"BUILDKIT_SANDBOX_HOSTNAME", "h.1"}};
    const auto used = planning.plan("FROM scratch\nRUN x\n");
    CHECK(used.warnings.empty());
    CHECK(std::get<RunStep>(used.stages[0].steps[0].action).hostname == "h.1");
    for (std::string bad : {std::string("a b"), std::string("a\nb"), std::string(65, 'a')}) {
        planning.request.build_args = {{"BUILDKIT_SANDBOX_HOSTNAME", bad}};
        CHECK(failure_in([&] { planning.plan("FROM scratch\nRUN x\n"); }).kind == ErrorKind::usage);
    }
}

TEST_CASE("ARGs are no part of the configuration") { REQUIRE(config_of("ARG v=1\n").env.size() == 1); }

TEST_CASE("RUN sees declared ARGs that no later ENV covers") {
    Planning planning;
    planning.request.build_args = {{"b", "2"}, {"undeclared", "x"}};
    auto plan = planning.plan("FROM scratch\nARG a=1 b c\nARG d=4\nENV d=5\nRUN x\n");
    const auto& run = std::get<RunStep>(plan.stages[0].steps.back().action);
    REQUIRE(run.arg_environment == std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("a variable that is not set is a warning with the likeliest name") {
    auto plan = plan_of("FROM scratch\nENV VERSION=1\nUSER x$VERSOIN\n");
    REQUIRE(plan.warnings.size() == 1);
    REQUIRE(plan.warnings[0].id == "undefined-var");
    REQUIRE(plan.warnings[0].message == "the variable VERSOIN is not set");
    REQUIRE(plan.warnings[0].hint == "did you mean VERSION?");
    REQUIRE(plan.warnings[0].span->line == 3);
    REQUIRE(plan.warnings[0].span->column == 7);
}

TEST_CASE("a variable that the same instruction sets is named as such") {
    auto plan = plan_of("FROM scratch\nENV x=1 c=1 d=$c\n");
    REQUIRE(plan.warnings.size() == 1);
    CHECK(plan.warnings[0].hint == "values set in this instruction count from the next one on");
}

TEST_CASE("only what is set above is suggested") {
    auto plan = plan_of("FROM scratch\nENV version1=1 d=$version\n");
    CHECK(plan.warnings[0].hint == "declare it with ARG version or ENV version=VALUE above this line");
}

TEST_CASE("among very many variables nothing is suggested") {
    std::string text = "FROM scratch\nENV VERSION=1\n";
    for (int i = 0; i < 500; i++) text += "ENV other" + std::to_string(i) + "=1\n";
    auto plan = plan_of(text + "ENV a=$VERSOIN\n");
    CHECK(plan.warnings[0].hint == "declare it with ARG VERSOIN or ENV VERSOIN=VALUE above this line");
}

TEST_CASE("a global ARG that a stage uses without declaring it") {
    auto plan = plan_of("ARG RELEASE=1\nFROM scratch\nENV a=$RELEASE\n");
    REQUIRE(plan.warnings.size() == 1);
    REQUIRE(plan.warnings[0].hint ==
            "add ARG RELEASE after this stage's FROM: an ARG before the first FROM counts in FROM lines only");
}

TEST_CASE("a declared ARG without a value is no warning") {
    REQUIRE(plan_of("FROM scratch\nARG a\nENV b=$a\n").warnings.empty());
}

TEST_CASE("a variable with a default is no warning") {
    REQUIRE(plan_of("FROM scratch\nENV b=${a:-1}\n").warnings.empty());
}

TEST_CASE("variables of commands are the shell's own") {
    REQUIRE(plan_of("FROM scratch\nRUN echo $a\nCMD echo $b\n").warnings.empty());
}

TEST_CASE("a variable is reported once for an instruction") {
    REQUIRE(ids(plan_of("FROM scratch\nENV a=$x b=$x\n").warnings) == Strings{"undefined-var"});
}

TEST_CASE("a variable that FROM uses and that is not set") {
    auto plan = plan_of("FROM debian$X\n");
    REQUIRE(ids(plan.warnings) == Strings{"undefined-arg-in-from"});
    REQUIRE(plan.warnings[0].span->line == 1);
}

TEST_CASE("a build argument that nothing declares") {
    Planning planning;
    planning.request.build_args = {{"VERSOIN", "1"}};
    auto plan = planning.plan("FROM scratch\nARG VERSION\n");
    REQUIRE(plan.warnings.size() == 1);
    REQUIRE(plan.warnings[0].id == "unused-build-arg");
    REQUIRE(plan.warnings[0].message == "no ARG declares the build argument \"VERSOIN\"");
    REQUIRE(plan.warnings[0].hint == "did you mean VERSION?");
    REQUIRE_FALSE(plan.warnings[0].span.has_value());
}

TEST_CASE("predefined build arguments need no ARG") {
    Planning planning;
    planning.request.build_args = {
        {"http_proxy", "a"}, {"NO_PROXY", "b"}, {"SOURCE_DATE_EPOCH", "0"}, {"TARGETARCH", "arm"}};
    REQUIRE(planning.plan("FROM scratch\n").warnings.empty());
}

TEST_CASE("an ARG of a stage that is not needed declares, too") {
    Planning planning;
    planning.request.build_args = {{"a", "1"}};
    REQUIRE(planning.plan("FROM scratch AS x\nARG a\nFROM scratch\n").warnings.empty());
}

TEST_CASE("an expansion that fails is an error at its place") {
    auto error = failure_of("ENV a=1\nWORKDIR /x/${NAME:?is needed}\n");
    REQUIRE(error.kind == ErrorKind::dockerfile);
    REQUIRE(error.message == "NAME: is needed");
    REQUIRE(error.line == 3);
    REQUIRE(error.marked == "/x/${NAME:?is needed}");
}

TEST_CASE("values that double cannot fill the memory") {
    std::string lines = "ENV a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
    for (int i = 0; i < 40; i++) lines += "ENV a=$a$a\n";
    REQUIRE(failure_of(lines).kind == ErrorKind::limit);
}

TEST_CASE("the check directive counts for what planning warns of") {
    const std::string text = "FROM a$x\nENV b=$y\n";
    CHECK(ids(plan_of(text).warnings) == Strings{"undefined-arg-in-from", "undefined-var"});
    CHECK(ids(plan_of("# check=skip=UndefinedVar\n" + text).warnings) == Strings{"undefined-arg-in-from"});
    CHECK(ids(plan_of("# check=skip=UndefinedArgInFrom\n" + text).warnings) == Strings{"undefined-var"});
    Planning planning;
    planning.request.build_args["nobody"] = "1";
    CHECK(ids(planning.plan("# check=skip=all\n" + text).warnings) == Strings{"unused-build-arg"});
}
