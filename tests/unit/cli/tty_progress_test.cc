#include "gbuild/cli/tty_progress.h"

#include <fmt/format.h>

#include "fake_console.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "screen.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using std::chrono::milliseconds;

namespace {

struct ResizableOutput : StringOutput {
    ResizableOutput(int columns, int rows) :
        StringOutput(Kind::terminal, columns, rows), width(columns), height(rows) {}
    int columns() const override { return width; }
    int rows() const override { return height; }
    int width, height;
};

// A progress whose writes go to a screen.
struct Watched {
    explicit Watched(int columns = 60, int rows = 24, Color color = Color::off) :
        output(columns, rows),
        screen(columns, rows),
        progress(std::make_unique<TtyProgress>(output, color, clock.clock())) {}
    ResizableOutput output;
    FakeClock clock;
    Screen screen;
    std::unique_ptr<TtyProgress> progress;

    void operator()(const Event& event) {
        progress->emit(event);
        screen.write(output.take());
    }
    void wait(int ms) {
        clock.advance(milliseconds(ms));
        progress->tick();
        screen.write(output.take());
    }
    void resize(int columns, int rows) {
        output.width = columns;
        output.height = rows;
        screen.resize(columns, rows);
    }
    std::string shown() const { return screen.text(); }
};

StepsPlanned three_steps() {
    return {{{1, 1, 3, "", "FROM debian", 1}, {2, 2, 3, "", "RUN make", 2}, {3, 3, 3, "", "COPY a b", 3}}};
}

TransferStarted pulled_layer(int id, uint64_t total) { return {id, 1, "sha256:0123456789ab", "pulling", total}; }

}  // namespace

TEST_CASE("tty: durations for a column") {
    CHECK(short_duration(milliseconds(0)) == "0.0s");
    CHECK(short_duration(milliseconds(9'349)) == "9.3s");
    CHECK(short_duration(milliseconds(99'999)) == "99.9s");
    CHECK(short_duration(milliseconds(100'000)) == "1m40s");
    CHECK(short_duration(milliseconds(3'720'000)) == "1h02m");
}

TEST_CASE("tty: a running step has a line with its time, and its last lines of output (U-3)") {
    Watched tty;
    tty(three_steps());
    tty(StepStarted{1, 1, 3, "", "FROM debian", 1});
    tty(StepFinished{1, false, milliseconds(0), "sha256:0123456789abcdef"});
    tty(StepStarted{2, 2, 3, "", "RUN make", 2});
    tty.wait(1200);
    CHECK(tty.shown() == " => [1/3] FROM debian sha256:0123456789ab              0.0s\n"
                         "[+] Building 1.2s (1/3)\n"
                         " => [2/3] RUN make                                     1.2s\n");
    tty(StepOutput{2, {"1", "2", "3", "4", "5", "6", "7", "\x1b[31m8\x1b[0m \x1b[2J"}});
    tty.wait(100);
    CHECK(tty.shown() == " => [1/3] FROM debian sha256:0123456789ab              0.0s\n"
                         "[+] Building 1.3s (1/3)\n"
                         " => [2/3] RUN make                                     1.3s\n"
                         " => => # 3\n => => # 4\n => => # 5\n => => # 6\n => => # 7\n => => # 8 \\x1b[2J\n");
    tty(StepFinished{2, false, milliseconds(1300), ""});
    tty(StepStarted{3, 3, 3, "", "COPY a b", 3});
    tty(StepFinished{3, true, milliseconds(0), ""});
    tty.progress->finish({0});
    tty.screen.write(tty.output.take());
    CHECK(tty.shown() == " => [1/3] FROM debian sha256:0123456789ab              0.0s\n"
                         " => [2/3] RUN make                                     1.3s\n"
                         " => CACHED [3/3] COPY a b                              0.0s\n"
                         "[+] Built in 1.3s: 3 steps, 1 cached\n");
}

TEST_CASE("tty: what is pulled stands under the step that wants it, before that has begun, too") {
    Watched tty;
    tty(three_steps());
    tty(pulled_layer(1, 1'000'000));
    tty(pulled_layer(2, 2'000'000));
    tty.wait(1000);
    tty(TransferProgress{1, 500'000});
    tty.wait(1000);
    CHECK(tty.shown() == "[+] Building 2.0s (0/3)\n"
                         " => [1/3] FROM debian                                  2.0s\n"
                         " => => sha256:0123456789ab 500.0 kB / 1.0 MB           2.0s\n"
                         " => => sha256:0123456789ab 0 B / 2.0 MB                2.0s\n");
}

TEST_CASE("tty: FROM stays until its layers are there, and tells how much they were") {
    Watched tty;
    tty(three_steps());
    tty(pulled_layer(1, 1'000'000));
    tty(pulled_layer(2, 5));
    tty(StepStarted{1, 1, 3, "", "FROM debian", 1});
    tty(StepFinished{1, false, milliseconds(0), ""});
    tty(TransferFinished{2, true});
    tty.wait(2000);
    CHECK_THAT(tty.shown(), StartsWith("[+] Building"));
    tty(TransferFinished{1, false});
    CHECK_THAT(tty.shown(), StartsWith(" => [1/3] FROM debian, 1.0 MB in 1 layer               2.0s\n[+]"));
    tty(pulled_layer(3, 7'000));
    tty.wait(200);
    tty(TransferFinished{3, false});
    CHECK_THAT(tty.shown(), ContainsSubstring(" => => pulled 7.0 kB in 1 layer                        0.2s\n[+]"));
}

TEST_CASE("tty: resolving, packing and writing are shown") {
    Watched tty;
    tty(ActivityStarted{{0, "resolving", "debian:latest"}});
    tty.wait(300);
    CHECK(tty.shown() == "[+] Working 0.3s\n"
                         " => resolving debian:latest                            0.3s\n");
    tty(ActivityFinished{{0, "resolving", "debian:latest"}});
    tty(three_steps());
    tty(StepStarted{2, 2, 3, "", "RUN make", 2});
    tty(ActivityStarted{{2, "packing", ""}});
    tty(ActivityProgress{{2, "packing", ""}, 3'000'000});
    tty.wait(1000);
    CHECK(tty.shown() == " => resolving debian:latest                            0.3s\n"
                         "[+] Building 1.3s (0/3)\n"
                         " => [2/3] RUN make                                     1.0s\n"
                         " => => packing 3.0 MB 3.0 MB/s                         1.0s\n");
    tty(ActivityFinished{{2, "packing", ""}});
    tty(StepFinished{2, false, milliseconds(1000), ""});
    tty(TransferStarted{0, 0, "x.gvmi", "writing", 0});
    tty(TransferProgress{0, 4'000'000});
    tty.wait(400);
    CHECK_THAT(tty.shown(), ContainsSubstring(" => writing x.gvmi 4.0 MB                              0.4s\n"));
    tty(TransferFinished{0, false});
    CHECK_THAT(tty.shown(), ContainsSubstring(" => writing x.gvmi 4.0 MB                              0.4s\n[+]"));
}

TEST_CASE("tty: stages run side by side") {
    Watched tty;
    tty(StepsPlanned{{{1, 1, 2, "a", "RUN one", 1}, {2, 2, 2, "b", "RUN two", 2}}});
    tty(StepStarted{2, 2, 2, "b", "RUN two", 2});
    tty.wait(500);
    tty(StepStarted{1, 1, 2, "a", "RUN one", 1});
    tty(StepOutput{2, {"of two"}});
    tty(StepOutput{1, {"of one"}});
    tty.wait(500);
    CHECK(tty.shown() == "[+] Building 1.0s (0/2)\n"
                         " => [a 1/2] RUN one                                    0.5s\n"
                         " => => # of one\n"
                         " => [b 2/2] RUN two                                    1.0s\n"
                         " => => # of two\n");
    tty(StepFailed{1});
    tty(StepFailed{2, true});
    tty.progress->finish({11});
    tty.screen.write(tty.output.take());
    CHECK(tty.shown() == " => ERROR [a 1/2] RUN one                              0.5s\n"
                         " => CANCELED [b 2/2] RUN two                           1.0s\n"
                         "[+] Failed after 1.0s (0/2)\n");
}

TEST_CASE("tty: no line is as wide as the terminal, whatever is in it") {
    const int columns = GENERATE(20, 21, 40, 80, 200, 300);
    CAPTURE(columns);
    Watched tty(columns, 30);
    const std::string wide = "RUN " + join(std::vector<std::string>(90, "漢字e\xcc\x81\x1b[31m\t\xff"), " ");
    tty(StepsPlanned{{{1, 1, 2, "stage-with-a-name", wide, 1}, {2, 2, 2, "", wide, 2}}});
    tty(StepStarted{1, 1, 2, "stage-with-a-name", wide, 1});
    tty(StepOutput{1, {wide, "\x1b[1;31m" + wide}});
    tty(TransferStarted{1, 1, wide, "pulling", 1'234'567});
    tty(TransferStarted{2, 0, wide, wide, 0});
    tty(ActivityStarted{{1, "packing", wide}});
    tty(TransferProgress{1, 99'999});
    tty.wait(700);
    tty(TransferFinished{1, false});
    tty(TransferFinished{2, false});
    tty(ActivityFinished{{1, "packing", wide}});
    tty.wait(700);
    tty(StepFinished{1, false, milliseconds(400'000), wide});
    tty(StepFailed{2});
    tty.progress->finish({130});
    tty.screen.write(tty.output.take());
    for (const std::string& line : split(tty.shown(), '\n')) CHECK(display_width(line) < columns);
    CHECK_FALSE(tty.screen.has_wrapped());
}

TEST_CASE("tty: a low terminal shows fewer lines of output, then counts what it has no room for") {
    Watched tty(60, 8);
    StepsPlanned planned;
    for (int id = 1; id <= 9; id++) planned.steps.push_back({id, id, 9, fmt::format("s{}", id), "RUN x", id});
    tty(planned);
    for (int id = 1; id <= 2; id++) {
        tty(StepStarted{id, id, 9, fmt::format("s{}", id), "RUN x", id});
        tty(StepOutput{id, {"1", "2", "3", "4", "5", "6"}});
    }
    tty.wait(100);
    CHECK(tty.shown() == "[+] Building 0.1s (0/9)\n"
                         " => [s1 1/9] RUN x                                     0.1s\n"
                         " => => # 6\n"
                         " => [s2 2/9] RUN x                                     0.1s\n"
                         " => => # 6\n");
    for (int id = 3; id <= 9; id++) tty(StepStarted{id, id, 9, fmt::format("s{}", id), "RUN x", id});
    tty.wait(100);
    CHECK(split(tty.shown(), '\n').size() == 7);
    CHECK_THAT(tty.shown(), ContainsSubstring(" … and 5 more\n"));
    tty.resize(60, 2);
    tty.wait(100);
    CHECK_THAT(tty.shown(), ContainsSubstring("[+] Building 0.3s (0/9)\n"));
}

TEST_CASE("tty: lines are redrawn at most ten times a second, and only when something changed") {
    Watched tty;
    tty(three_steps());
    tty(StepStarted{2, 2, 3, "", "RUN make", 2});
    tty.wait(100);
    for (int i = 0; i < 100; i++) {
        tty.progress->emit(StepOutput{2, {"x"}});
        CHECK(tty.output.take().empty());
    }
    tty.progress->tick();
    CHECK(tty.output.take().empty());
    tty.clock.advance(milliseconds(100));
    tty.progress->tick();
    const std::string frame = tty.output.take();
    CHECK_THAT(frame, StartsWith("\x1b[?2026h"));
    CHECK_THAT(frame, EndsWith("\x1b[?2026l"));
    CHECK_THAT(frame, ContainsSubstring("# x"));
}

TEST_CASE("tty: a terminal that becomes narrower or wider is left without pieces") {
    Watched tty(100, 30);
    tty(three_steps());
    tty(StepStarted{1, 1, 3, "", "FROM debian", 1});
    tty(StepFinished{1, false, milliseconds(0), ""});
    tty(StepStarted{2, 2, 3, "", "RUN make everything that there is to make, with all its parts", 2});
    tty(StepOutput{2, {std::string(80, 'o')}});
    tty.wait(100);
    for (const int columns : {40, 23, 90, 20, 300, 60}) {
        tty.resize(columns, 30);
        tty.wait(100);
        CAPTURE(columns, tty.shown());
        CHECK(tty.screen.count("[+] Building") == 1);
        CHECK(tty.screen.count(" => => # ooo") == 1);
    }
    tty.progress->finish({0});
    tty.screen.write(tty.output.take());
    CHECK(tty.screen.count("[+] Building") == 0);
    CHECK(tty.screen.count("ooo") == 0);
    CHECK_THAT(tty.shown(), EndsWith("[+] Built in 0.7s: 1 step\n"));
}

TEST_CASE("tty: ^C, which the terminal echoes, goes with the frame (U-17)") {
    Watched tty;
    tty(three_steps());
    tty(StepStarted{2, 2, 3, "", "RUN make", 2});
    tty.wait(100);
    tty.screen.write("^C");
    tty(StepFailed{2, true});
    tty.progress->finish({130});
    tty.screen.write(tty.output.take());
    CHECK(tty.shown() == " => CANCELED [2/3] RUN make                            0.1s\n"
                         "[+] Interrupted after 0.1s (0/3)\n");
}

TEST_CASE("tty: warnings and notices stay above the frame, whole") {
    Watched tty(40);
    tty(three_steps());
    tty(StepStarted{2, 2, 3, "", "RUN make", 2});
    tty(Notice{std::string(50, 'n')});
    tty(Warning{"id", "told\x1b[2J", std::nullopt, ""});
    CHECK(tty.shown() == std::string(40, 'n') + "\n" + std::string(10, 'n') +
                             "\ngbuild: warning: told\\x1b[2J [id]\n"
                             "[+] Building 0.0s (0/3)\n"
                             " => [2/3] RUN make                 0.0s\n");
}

TEST_CASE("tty: the frame is gone at the end, however that comes") {
    Watched tty;
    tty(three_steps());
    tty(StepStarted{2, 2, 3, "", "RUN make", 2});
    tty.wait(100);
    tty.progress.reset();
    tty.screen.write(tty.output.take());
    CHECK(tty.shown().empty());
}

TEST_CASE("tty: colours of the step, and a frame that is measured without them") {
    Watched tty(40, 24, Color::on);
    tty(three_steps());
    tty(StepStarted{2, 2, 3, "", "RUN make", 2});
    tty(StepOutput{2, {"\x1b[31mred"}});
    tty.clock.advance(milliseconds(100));
    tty.progress->tick();
    CHECK_THAT(tty.output.take(), ContainsSubstring("\x1b[31mred\x1b[0m\x1b[K\n"));
}
