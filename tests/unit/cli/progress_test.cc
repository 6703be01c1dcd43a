#include "gbuild/cli/progress.h"

#include <nlohmann/json.hpp>

#include "fake_console.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/json_progress.h"
#include "gbuild/cli/log_groups.h"
#include "gbuild/cli/progress_lines.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
using Catch::Matchers::StartsWith;
using std::chrono::milliseconds;

namespace {

struct Plain {
    explicit Plain(Color color = Color::off, CiSystem ci = CiSystem::none) :
        lines(color, clock.time, LogGroups(ci, [] {
                  return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
              })) {}
    FakeClock clock;
    ProgressLines lines;
    std::string operator()(const Event& event) { return lines.text(event, clock.time); }
};

TransferStarted layer(int id, uint64_t total) { return {id, 1, "sha256:0123456789ab", "pulling", total}; }

}  // namespace

TEST_CASE("plain: a numbered step, its stage, its time") {
    Plain plain;
    CHECK(plain(StepStarted{1, 2, 3, "", "WORKDIR /golem/work", 3}) == "  0.0s STEP 2/3: WORKDIR /golem/work\n");
    CHECK(plain(StepFinished{1, false, milliseconds(20), ""}).empty());
    plain.clock.advance(milliseconds(1500));
    CHECK(plain(StepStarted{2, 1, 3, "build", "FROM debian", 1}) == "  1.5s [build] STEP 1/3: FROM debian\n");
    plain.clock.advance(milliseconds(3200));
    CHECK(plain(StepFinished{2, false, milliseconds(3200), "sha256:ab"}) ==
          "  4.7s --> [build] STEP 1/3 done in 3.2 s sha256:ab\n");
}

TEST_CASE("plain: a cached step says so") {
    Plain plain;
    plain(StepStarted{1, 2, 3, "", "COPY a b", 3});
    CHECK(plain(StepFinished{1, true, milliseconds(0), ""}) == "  0.0s --> STEP 2/3 cached\n");
}

TEST_CASE("plain: a step without a number") {
    Plain plain;
    CHECK(plain(StepStarted{1, 0, 0, "", "writing x.gvmi", 0}) == "  0.0s writing x.gvmi\n");
    CHECK(plain(StepFinished{1, false, milliseconds(1500), ""}) == "  0.0s --> writing x.gvmi done in 1.5 s\n");
}

TEST_CASE("plain: each line of output has the time since the beginning (U-4)") {
    Plain plain;
    plain(StepStarted{2, 2, 3, "", "RUN make", 3});
    plain.clock.advance(milliseconds(123'400));
    CHECK(plain(StepOutput{2, {"one", "two"}}) == "123.4s #2 one\n123.4s #2 two\n");
}

TEST_CASE("plain: a transfer has a line at its start and one at its end, with its step, size and time") {
    Plain plain;
    CHECK(plain(layer(7, 49'300'000)).empty());
    CHECK(plain(TransferProgress{7, 0}) == "  0.0s #1 sha256:0123456789ab pulling 49.3 MB\n");
    plain.clock.advance(milliseconds(3100));
    CHECK(plain(TransferProgress{7, 49'300'000}).empty());
    CHECK(plain(TransferFinished{7, false}) == "  3.1s #1 sha256:0123456789ab done, 49.3 MB in 3.1 s\n");
}

TEST_CASE("plain: a cached transfer is one line; one of no step has no number") {
    Plain plain;
    CHECK(plain(layer(7, 10)).empty());
    CHECK(plain(TransferFinished{7, true}) == "  0.0s #1 sha256:0123456789ab cached\n");
    CHECK(plain(TransferStarted{0, 0, "x.gvmi", "writing", 0}).empty());
    CHECK(plain(TransferFinished{0, true}) == "  0.0s x.gvmi cached\n");
}

TEST_CASE("plain: events of transfers and activities nobody announced are ignored") {
    Plain plain;
    CHECK(plain(TransferProgress{9, 1}).empty());
    CHECK(plain(TransferFinished{9, false}).empty());
    CHECK(plain(ActivityFinished{{1, "packing", ""}}).empty());
}

TEST_CASE("plain: what is being waited for outside of steps is told at once, what a step does when it takes long") {
    Plain plain;
    CHECK(plain(ActivityStarted{{0, "resolving", "debian:latest"}}) == "  0.0s resolving debian:latest\n");
    CHECK(plain(ActivityStarted{{2, "packing", ""}}).empty());
    CHECK(plain(ActivityStarted{{3, "packing", ""}}).empty());
    plain.clock.advance(milliseconds(300));
    CHECK(plain(ActivityFinished{{0, "resolving", "debian:latest"}}) ==
          "  0.3s resolving debian:latest done in 0.3 s\n");
    CHECK(plain(ActivityFinished{{2, "packing", ""}}).empty());
    plain.clock.advance(milliseconds(900));
    CHECK(plain(ActivityFinished{{3, "packing", ""}}) == "  1.2s #3 packing done in 1.2 s\n");
}

TEST_CASE("plain: the total") {
    Plain plain;
    CHECK(plain.lines.total(plain.clock.time).empty());
    for (int id : {1, 2, 3}) {
        plain(StepStarted{id, id, 3, "", "COPY a b", 3});
        plain(StepFinished{id, id == 2, milliseconds(0), ""});
    }
    plain.clock.advance(milliseconds(2500));
    CHECK(plain.lines.total(plain.clock.time) == "  2.5s built in 2.5 s: 3 steps, 1 of them cached\n");
}

TEST_CASE("plain: text from outside is made safe") {
    Plain plain;
    CHECK(plain(StepStarted{1, 1, 1, "", "COPY \x1b[2J\r a", 1}) == "  0.0s STEP 1/1: COPY \\x1b[2J\\r a\n");
    CHECK(plain(StepOutput{1, {"\x1b]0;t\x07", "two"}}) == "  0.0s #1 \\x1b]0;t\\x07\n  0.0s #1 two\n");
    CHECK(plain(Notice{"a\rb"}) == "  0.0s a\\rb\n");
    CHECK(plain(ActivityStarted{{0, "resolving", "a\x1b[2Jb"}}) == "  0.0s resolving a\\x1b[2Jb\n");
}

TEST_CASE("plain: colours of steps reach a terminal that has colours, and no other (U-6)") {
    Plain with(Color::on), without(Color::off);
    const StepOutput red{1, {"\x1b[31mred", "still", "\x1b[0mnot"}};
    CHECK(with(red) == "  0.0s #1 \x1b[31mred\x1b[0m\n  0.0s #1 \x1b[31mstill\x1b[0m\n  0.0s #1 \x1b[31m\x1b[0mnot\n");
    CHECK(without(red) == "  0.0s #1 red\n  0.0s #1 still\n  0.0s #1 not\n");
}

TEST_CASE("plain: a failing step's output is known to have just been shown (U-5)") {
    Plain plain;
    plain(StepStarted{1, 1, 2, "a", "RUN x", 1});
    plain(StepStarted{2, 2, 2, "b", "RUN y", 2});
    CHECK_FALSE(plain.lines.has_just_shown_output(0));
    plain(StepOutput{1, {"a", "b"}});
    plain(StepOutput{1, {"c"}});
    SECTION("with nothing between") {
        plain(StepFailed{1});
        plain(StepFailed{2, true});
        CHECK(plain.lines.has_just_shown_output(3));
        CHECK_FALSE(plain.lines.has_just_shown_output(4));
    }
    SECTION("with another step's output between") {
        plain(StepOutput{2, {"d"}});
        plain(StepFailed{1});
        CHECK_FALSE(plain.lines.has_just_shown_output(3));
        CHECK_FALSE(plain.lines.has_just_shown_output(1));
    }
    SECTION("with a warning between") {
        plain(Warning{"id", "m", std::nullopt, ""});
        plain(StepFailed{1});
        CHECK_FALSE(plain.lines.has_just_shown_output(1));
    }
}

TEST_CASE("plain: GitHub's log has a group for each step, and never one in another") {
    Plain plain(Color::off, CiSystem::github);
    CHECK(plain(StepStarted{1, 1, 2, "", "RUN echo 100%", 1}) == "::group::STEP 1/2: RUN echo 100%25\n");
    CHECK(plain(StepOutput{1, {"one"}}) == "  0.0s #1 one\n");
    CHECK(plain(StepStarted{2, 2, 2, "b", "RUN y", 2}) == "::endgroup::\n::group::[b] STEP 2/2: RUN y\n");
    CHECK(plain(StepOutput{1, {"two"}}) == "::endgroup::\n::group::STEP 1/2: RUN echo 100%25\n  0.0s #1 two\n");
    CHECK(plain(StepFinished{1, false, milliseconds(900), ""}) == "  0.0s --> STEP 1/2 done in 0.9 s\n::endgroup::\n");
    CHECK(plain(StepOutput{2, {"three"}}) == "::group::[b] STEP 2/2: RUN y\n  0.0s #2 three\n");
    CHECK_THAT(plain(Warning{"id", "m", std::nullopt, ""}), StartsWith("::endgroup::\n"));
    CHECK(plain.lines.end_group().empty());
}

TEST_CASE("plain: GitLab's log has a section for each step") {
    Plain plain(Color::off, CiSystem::gitlab);
    CHECK(plain(StepStarted{1, 1, 2, "", "RUN a", 1}) ==
          "\x1b[0Ksection_start:1700000000:gbuild_1\r\x1b[0KSTEP 1/2: RUN a\n");
    CHECK(plain.lines.end_group() == "\x1b[0Ksection_end:1700000000:gbuild_1\r\x1b[0K\n");
    CHECK(plain(StepOutput{1, {"x"}}) ==
          "\x1b[0Ksection_start:1700000000:gbuild_2\r\x1b[0KSTEP 1/2: RUN a\n  0.0s #1 x\n");
}

TEST_CASE("which CI system runs gbuild is told by the environment") {
    FakeConsole fake;
    CHECK(ci_system(fake.console) == CiSystem::none);
    fake.environment["GITLAB_CI"] = "true";
    CHECK(ci_system(fake.console) == CiSystem::gitlab);
    fake.environment["GITHUB_ACTIONS"] = "true";
    CHECK(ci_system(fake.console) == CiSystem::github);
}

TEST_CASE("plain progress goes to standard error without carriage returns or escapes") {
    FakeConsole fake;
    {
        auto progress = make_progress(ProgressMode::plain, fake.console);
        progress->emit(StepStarted{1, 1, 1, "", "FROM scratch", 1});
        progress->emit(layer(1, 100));
        progress->emit(TransferProgress{1, 50});
        progress->emit(TransferFinished{1, false});
        progress->finish({0});
    }
    CHECK(fake.out.text.empty());
    CHECK_THAT(fake.err.text, ContainsSubstring("s STEP 1/1: FROM scratch\n"));
    CHECK(fake.err.text.find_first_of("\r\x1b") == std::string::npos);
}

namespace {

struct JsonLines {
    StringOutput output;
    FakeClock clock;
    // 2026-11-30T22:00:00.250Z
    JsonProgress json{output, clock.clock(), std::chrono::system_clock::time_point(milliseconds(1'796'076'000'250))};
    std::string operator()(const Event& event) {
        output.take();
        json.emit(event);
        return output.take();
    }
};

constexpr const char* time_of_all = "\"time\":\"2026-11-30T22:00:00.250Z\"}\n";

}  // namespace

TEST_CASE("json: the first line names the schema's version, and each has a time (U-4)") {
    JsonLines json;
    CHECK(json.output.take() ==
          std::string("{\"event\":\"begin\",\"schema\":1,\"gbuild\":\"" GBUILD_VERSION "\",") + time_of_all);
    json.clock.advance(milliseconds(1'800));
    CHECK(json(Notice{"\xff"}) ==
          "{\"event\":\"notice\",\"message\":\"\xef\xbf\xbd\",\"time\":\"2026-11-30T22:00:02.050Z\"}\n");
}

TEST_CASE("json: one object a line, keys that stay") {
    JsonLines json;
    const std::string step =
        "\"id\":1,\"number\":2,\"total\":3,\"stage\":\"build\",\"text\":\"WORKDIR \\\"/x\\\"\",\"line\":4";
    CHECK(json(StepsPlanned{{{1, 2, 3, "build", "WORKDIR \"/x\"", 4}}}) ==
          "{\"event\":\"steps-planned\",\"steps\":[{" + step + "}]," + time_of_all);
    CHECK(json(StepStarted{1, 2, 3, "build", "WORKDIR \"/x\"", 4}) ==
          "{\"event\":\"step-started\"," + step + "," + time_of_all);
    CHECK(json(StepFinished{1, true, milliseconds(5), ""}) ==
          std::string("{\"event\":\"step-finished\",\"id\":1,\"cached\":true,\"milliseconds\":5,\"detail\":\"\",") +
              time_of_all);
    CHECK(json(Warning{"no-volume", "m", SourceSpan{"Dockerfile", 3, 0, 1, "x"}, "h"}) ==
          std::string("{\"event\":\"warning\",\"id\":\"no-volume\",\"message\":\"m\",\"hint\":\"h\","
                      "\"file\":\"Dockerfile\",\"line\":3,\"column\":0,") +
              time_of_all);
    CHECK(json(StepOutput{1, {"a \"line\"", ""}}) ==
          std::string("{\"event\":\"step-output\",\"id\":1,\"line\":\"a \\\"line\\\"\",") + time_of_all +
              "{\"event\":\"step-output\",\"id\":1,\"line\":\"\"," + time_of_all);
    CHECK(json(StepFailed{1}) ==
          std::string("{\"event\":\"step-failed\",\"id\":1,\"interrupted\":false,") + time_of_all);
    CHECK(json(ActivityStarted{{2, "packing", ""}}) ==
          std::string("{\"event\":\"activity-started\",\"step\":2,\"verb\":\"packing\",\"object\":\"\",") +
              time_of_all);
}

TEST_CASE("json: progress is thinned out, ends are not") {
    JsonLines json;
    json.json.emit(layer(1, 100));
    json.json.emit(ActivityStarted{{2, "packing", ""}});
    for (uint64_t done = 1; done <= 50; done++) {
        json.json.emit(TransferProgress{1, done});
        json.json.emit(ActivityProgress{{2, "packing", ""}, done});
    }
    json.json.emit(TransferFinished{1, false});
    json.json.emit(ActivityFinished{{2, "packing", ""}});
    CHECK(split(json.output.text, '\n').size() == 8);
    CHECK_THAT(json.output.text, ContainsSubstring("{\"event\":\"transfer-finished\",\"id\":1,\"cached\":false,"));
}

TEST_CASE("json: a failure tells kind, exit code and place; the result comes last") {
    JsonLines json;
    Error error(ErrorKind::dockerfile, "bad");
    error.at({"Dockerfile", 2, 5, 1, "x"}).hint("h").context("c");
    json.output.take();
    CHECK(json.json.tell(error));
    CHECK(json.output.take() ==
          std::string("{\"event\":\"error\",\"kind\":\"dockerfile\",\"exitCode\":3,\"message\":\"bad\",\"hint\":\"h\","
                      "\"context\":[\"c\"],\"file\":\"Dockerfile\",\"line\":2,\"column\":5,") +
              time_of_all);
    json.json.finish({3});
    CHECK(json.output.take() ==
          std::string("{\"event\":\"result\",\"success\":false,\"exitCode\":3,\"seconds\":0.0,") + time_of_all);
}

TEST_CASE("json: the result has what was built") {
    JsonLines json;
    json.clock.advance(milliseconds(1'500));
    json.output.take();
    json.json.finish({0, {{"image", {{"gbuild.size", 7}}}}});
    CHECK(json.output.take() == "{\"event\":\"result\",\"success\":true,\"exitCode\":0,\"seconds\":1.5,"
                                "\"image\":{\"gbuild.size\":7},\"time\":\"2026-11-30T22:00:01.750Z\"}\n");
}

TEST_CASE("quiet shows nothing") {
    FakeConsole fake;
    make_progress(ProgressMode::quiet, fake.console)->emit(Warning{"a", "b", {}, ""});
    CHECK(fake.err.text.empty());
}

TEST_CASE("auto is tty on a terminal that can") {
    StringOutput out, file, terminal(Kind::terminal);
    std::string term = "xterm";
    auto env = [&](const std::string& name) { return name == "TERM" ? std::optional(term) : std::nullopt; };
    Console on_terminal{out, terminal, env}, on_file{out, file, env};
    CHECK(progress_mode("auto", on_terminal) == ProgressMode::tty);
    CHECK(progress_mode("plain", on_terminal) == ProgressMode::plain);
    CHECK(progress_mode("auto", on_file) == ProgressMode::plain);
    CHECK(progress_mode("tty", on_file) == ProgressMode::tty);
    term = "dumb";
    CHECK(progress_mode("auto", on_terminal) == ProgressMode::plain);
}

TEST_CASE("colour needs a terminal and no NO_COLOR") {
    StringOutput out, file, terminal(Kind::terminal);
    std::map<std::string, std::string> environment{{"TERM", "xterm"}};
    Console console{out, terminal, [&](const std::string& name) -> std::optional<std::string> {
                        if (!environment.count(name)) return std::nullopt;
                        return environment[name];
                    }};
    CHECK(console.color(terminal) == Color::on);
    CHECK(console.color(file) == Color::off);
    environment["NO_COLOR"] = "1";
    CHECK(console.color(terminal) == Color::off);
    environment["NO_COLOR"] = "";
    CHECK(console.color(terminal) == Color::on);
}
