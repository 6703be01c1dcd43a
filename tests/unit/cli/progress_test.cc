#include "gbuild/cli/progress.h"

#include <nlohmann/json.hpp>

#include "fake_console.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/json_progress.h"
#include "gbuild/cli/progress_lines.h"
#include "gbuild/cli/tty_progress.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
using std::chrono::milliseconds;

namespace {

struct Plain {
    ProgressLines lines{Color::off, TransferLines::start_and_end};
    FakeClock clock;
    std::string operator()(const Event& event) { return lines.text(event, clock.time); }
};

struct Tty {
    explicit Tty(int columns = 80, int rows = 24) : output(Kind::terminal, columns, rows) {}
    StringOutput output;
    FakeClock clock;
    std::unique_ptr<TtyProgress> progress = std::make_unique<TtyProgress>(output, Color::off, clock.clock());
    std::string operator()(const Event& event) {
        progress->emit(event);
        return output.take();
    }
};

TransferStarted layer(int id, uint64_t total) { return {id, 1, "sha256:0123456789ab", "pulling", total}; }

}  // namespace

TEST_CASE("plain: a numbered step, its stage, its time") {
    Plain plain;
    CHECK(plain(StepStarted{1, 2, 3, "", "WORKDIR /golem/work", 3}) == "STEP 2/3: WORKDIR /golem/work\n");
    CHECK(plain(StepFinished{1, false, milliseconds(20), ""}).empty());
    CHECK(plain(StepStarted{2, 1, 3, "build", "FROM debian", 1}) == "[build] STEP 1/3: FROM debian\n");
    CHECK(plain(StepFinished{2, false, milliseconds(3200), "sha256:ab"}) ==
          "--> [build] STEP 1/3 done in 3.2 s sha256:ab\n");
}

TEST_CASE("plain: a cached step says so") {
    Plain plain;
    plain(StepStarted{1, 2, 3, "", "COPY a b", 3});
    CHECK(plain(StepFinished{1, true, milliseconds(0), ""}) == "--> STEP 2/3 cached\n");
}

TEST_CASE("plain: a step without a number") {
    Plain plain;
    CHECK(plain(StepStarted{1, 0, 0, "", "writing x.gvmi", 0}) == "writing x.gvmi\n");
    CHECK(plain(StepFinished{1, false, milliseconds(1500), ""}) == "--> writing x.gvmi done in 1.5 s\n");
}

TEST_CASE("plain: a transfer has a line at its start and one at its end, with size and time") {
    Plain plain;
    CHECK(plain(layer(7, 49'300'000)).empty());
    CHECK(plain(TransferProgress{7, 0}) == "  sha256:0123456789ab pulling 49.3 MB\n");
    plain.clock.advance(milliseconds(3100));
    CHECK(plain(TransferProgress{7, 49'300'000}).empty());
    CHECK(plain(TransferFinished{7, false}) == "  sha256:0123456789ab done, 49.3 MB in 3.1 s\n");
}

TEST_CASE("plain: a cached transfer is one line") {
    Plain plain;
    CHECK(plain(layer(7, 10)).empty());
    CHECK(plain(TransferFinished{7, true}) == "  sha256:0123456789ab cached\n");
}

TEST_CASE("plain: events of transfers nobody announced are ignored") {
    Plain plain;
    CHECK(plain(TransferProgress{9, 1}).empty());
    CHECK(plain(TransferFinished{9, false}).empty());
}

TEST_CASE("plain: text from outside is made safe") {
    Plain plain;
    CHECK(plain(StepStarted{1, 1, 1, "", "COPY \x1b[2J\r a", 1}) == "STEP 1/1: COPY \\x1b[2J\\r a\n");
    CHECK(plain(StepOutput{1, {"\x1b]0;t\x07", "two"}}) == "#1 \\x1b]0;t\\x07\n#1 two\n");
    CHECK(plain(Notice{"a\rb"}) == "a\\rb\n");
}

TEST_CASE("plain progress goes to standard error without carriage returns or escapes") {
    FakeConsole fake;
    {
        auto progress = make_progress(ProgressMode::plain, fake.console);
        progress->emit(StepStarted{1, 1, 1, "", "FROM scratch", 1});
        progress->emit(layer(1, 100));
        progress->emit(TransferProgress{1, 50});
        progress->emit(TransferFinished{1, false});
    }
    CHECK(fake.out.text.empty());
    CHECK(fake.err.text.rfind("STEP 1/1: FROM scratch\n", 0) == 0);
    CHECK(fake.err.text.find_first_of("\r\x1b") == std::string::npos);
}

TEST_CASE("tty: a bar with share, sizes and speed") {
    FakeClock clock;
    ProgressLines::Transfer transfer{"layer", "pulling", 1'000'000, 500'000, clock.time, false};
    clock.advance(milliseconds(2000));
    CHECK(transfer_bar(transfer, clock.time, 80) ==
          "  layer pulling [###############---------------] 500.0 kB / 1.0 MB  250.0 kB/s");
    CHECK(transfer_bar(transfer, clock.time, 60) == "  layer pulling [######------] 500.0 kB / 1.0 MB  250.0 kB/s");
    CHECK(transfer_bar(transfer, clock.time, 45) == "  layer pulling 500.0 kB / 1.0 MB  250.0 kB/s");
    CHECK(transfer_bar(transfer, clock.time, 34) == "  layer pulling 500.0 kB / 1.0 MB");
    CHECK(transfer_bar(transfer, clock.time, 30) == "  layer pulling 50%");
    CHECK(transfer_bar(transfer, clock.time, 9) == "  la… 50%");
}

TEST_CASE("tty: a transfer of unknown size, or larger than announced, has a line too") {
    FakeClock clock;
    CHECK(transfer_bar({"x", "pulling", 0, 2000, clock.time, false}, clock.time, 80) == "  x pulling 2.0 kB");
    CHECK(transfer_bar({"x", "pulling", 10, 20, clock.time, false}, clock.time, 60) ==
          "  x pulling [##############################] 20 B / 10 B");
}

TEST_CASE("tty: lines that stay are written above the bars") {
    Tty tty(40);
    CHECK(tty(StepStarted{1, 1, 1, "", "FROM a", 1}) == "STEP 1/1: FROM a\n");
    tty.clock.advance(milliseconds(100));
    CHECK(tty(layer(1, 100)) == "  sha256:0123456789ab pulling 0%\n");
    CHECK(tty(Notice{"hello"}) == "\x1b[1A\r\x1b[Jhello\n  sha256:0123456789ab pulling 0%\n");
    CHECK(tty(TransferFinished{1, true}) == "\x1b[1A\r\x1b[J  sha256:0123456789ab cached\n");
}

TEST_CASE("tty: bars are redrawn at most ten times a second") {
    Tty tty;
    tty.clock.advance(milliseconds(100));
    CHECK(!tty(layer(1, 1000)).empty());
    for (uint64_t done = 1; done <= 100; done++) CHECK(tty(TransferProgress{1, done}).empty());
    tty.progress->tick();
    CHECK(tty.output.take().empty());
    tty.clock.advance(milliseconds(100));
    CHECK_THAT(tty(TransferProgress{1, 500}), ContainsSubstring("500 B / 1.0 kB"));
}

TEST_CASE("tty: time alone redraws") {
    Tty tty;
    tty.clock.advance(milliseconds(100));
    tty(layer(1, 1000));
    tty.clock.advance(milliseconds(100));
    tty.progress->tick();
    CHECK_THAT(tty.output.take(), ContainsSubstring("\x1b[1A\r\x1b[J"));
}

TEST_CASE("tty: more transfers than the screen has rows are counted") {
    Tty tty(80, 5);
    for (int id = 1; id <= 6; id++) {
        tty.clock.advance(milliseconds(100));
        tty(layer(id, 100));
    }
    tty.clock.advance(milliseconds(100));
    std::string screen = tty(Notice{"x"});
    CHECK_THAT(screen, ContainsSubstring("  … and 4 more\n"));
    CHECK(screen.rfind("\x1b[3A", 0) == 0);
}

TEST_CASE("tty: the bars are gone at the end") {
    Tty tty;
    tty.clock.advance(milliseconds(100));
    tty(layer(1, 100));
    tty.progress.reset();
    CHECK(tty.output.take() == "\x1b[1A\r\x1b[J");
}

TEST_CASE("json: one object a line, keys that stay") {
    StringOutput output;
    FakeClock clock;
    JsonProgress json(output, clock.clock());
    json.emit(StepStarted{1, 2, 3, "build", "WORKDIR \"/x\"", 4});
    CHECK(output.take() == "{\"event\":\"step-started\",\"id\":1,\"number\":2,\"total\":3,\"stage\":\"build\","
                           "\"text\":\"WORKDIR \\\"/x\\\"\",\"line\":4}\n");
    json.emit(StepFinished{1, true, milliseconds(5), ""});
    CHECK(output.take() ==
          "{\"event\":\"step-finished\",\"id\":1,\"cached\":true,\"milliseconds\":5,\"detail\":\"\"}\n");
    json.emit(Warning{"no-volume", "m", SourceSpan{"Dockerfile", 3, 0, 1, "x"}, "h"});
    CHECK(output.take() == "{\"event\":\"warning\",\"id\":\"no-volume\",\"message\":\"m\",\"hint\":\"h\","
                           "\"file\":\"Dockerfile\",\"line\":3,\"column\":0}\n");
    json.emit(StepOutput{1, {"a \"line\"", ""}});
    CHECK(output.take() == "{\"event\":\"step-output\",\"id\":1,\"line\":\"a \\\"line\\\"\"}\n"
                           "{\"event\":\"step-output\",\"id\":1,\"line\":\"\"}\n");
    json.emit(StepFailed{1});
    CHECK(output.take() == "{\"event\":\"step-failed\",\"id\":1}\n");
    json.emit(Notice{"\xff"});
    CHECK(output.take() == "{\"event\":\"notice\",\"message\":\"\xef\xbf\xbd\"}\n");
}

TEST_CASE("json: a transfer's progress is thinned out, its end is not") {
    StringOutput output;
    FakeClock clock;
    JsonProgress json(output, clock.clock());
    json.emit(layer(1, 100));
    for (uint64_t done = 1; done <= 50; done++) json.emit(TransferProgress{1, done});
    json.emit(TransferFinished{1, false});
    CHECK(split(output.text, '\n').size() == 4);
    CHECK_THAT(output.text, ContainsSubstring("{\"event\":\"transfer-finished\",\"id\":1,\"cached\":false}\n"));
}

TEST_CASE("json: a failure tells kind, exit code and place") {
    Error error(ErrorKind::dockerfile, "bad");
    error.at({"Dockerfile", 2, 5, 1, "x"}).hint("h").context("c");
    CHECK(json_error_line(error) ==
          "{\"event\":\"error\",\"kind\":\"dockerfile\",\"exitCode\":3,\"message\":\"bad\",\"hint\":\"h\","
          "\"context\":[\"c\"],\"file\":\"Dockerfile\",\"line\":2,\"column\":5}\n");
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
