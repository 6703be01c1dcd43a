#include "engine/command_output.h"

#include <vector>

#include "support/catch.h"

using gbuild::build::CommandOutput;

namespace {

struct Collected {
    std::vector<std::string> lines;
    CommandOutput output{
        [this](std::vector<std::string> ended) { lines.insert(lines.end(), ended.begin(), ended.end()); }};
};

}  // namespace

TEST_CASE("output comes in lines, however it is cut") {
    Collected all;
    for (char c : std::string("one\ntwo\n\nlast")) all.output.add(std::string(1, c));
    CHECK(all.lines == std::vector<std::string>{"one", "two", ""});
    all.output.finish();
    CHECK(all.lines.back() == "last");
    all.output.finish();
    CHECK(all.lines.size() == 4);
}

TEST_CASE("what was written over on a line is not shown") {
    Collected all;
    all.output.add("10%\r20%\r100%\ndone\r\n");
    CHECK(all.lines == std::vector<std::string>{"100%", "done"});
}

TEST_CASE("a line without end is cut") {
    Collected all;
    all.output.add(std::string(CommandOutput::longest_line * 2 + 10, 'x'));
    REQUIRE(all.lines.size() == 2);
    CHECK(all.lines[0].size() == CommandOutput::longest_line);
    all.output.finish();
    CHECK(all.lines.back().size() == 10);
}

TEST_CASE("the last lines are kept") {
    Collected all;
    for (int i = 0; i < 100; i++) all.output.add(std::to_string(i) + "\n");
    REQUIRE(all.output.last_lines().size() == CommandOutput::kept_lines);
    CHECK(all.output.last_lines().front() == "80");
    CHECK(all.output.last_lines().back() == "99");
}
