#include "gbuild/cli/styled_text.h"

#include "support/catch.h"

using namespace gbuild::cli;
using Catch::Matchers::StartsWith;

TEST_CASE("colours pass where there are some, and are dropped elsewhere") {
    for (const char* sequence : {"\x1b[31m", "\x1b[m", "\x1b[1;38;2;10;20;30m", "\x1b[4:3m", "\x1b[0;1m"}) {
        const std::string line = std::string("a") + sequence + "b";
        CHECK(StyledText(Color::off).line(line) == "ab");
        CHECK_THAT(StyledText(Color::on).line(line), StartsWith(std::string("a") + sequence + "b"));
    }
}

TEST_CASE("everything else stays escaped, with colours and without") {
    for (const Color color : {Color::off, Color::on}) {
        StyledText text(color);
        CHECK(text.line("\x1b[2J") == "\\x1b[2J");
        CHECK(text.line("\x1b[31") == "\\x1b[31");
        CHECK(text.line("\x1b[?25h") == "\\x1b[?25h");
        CHECK(text.line("\x1b[>4m") == "\\x1b[>4m");
        CHECK(text.line("\x1b[31H") == "\\x1b[31H");
        CHECK(text.line("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
        CHECK(text.line("\xc2\x9b"
                        "31m") == "\\x9b31m");
        CHECK(text.line("\x1b") == "\\x1b");
        CHECK(text.line("\x1b[" + std::string(100, '1') + "m") == "\\x1b[" + std::string(100, '1') + "m");
    }
}

TEST_CASE("a colour that a line leaves on goes on in the next, and ends with each") {
    StyledText text(Color::on);
    CHECK(text.line("\x1b[1m\x1b[31mred") == "\x1b[1m\x1b[31mred\x1b[0m");
    CHECK(text.line("on") == "\x1b[1m\x1b[31mon\x1b[0m");
    CHECK(text.line("off\x1b[0m") == "\x1b[1m\x1b[31moff\x1b[0m");
    CHECK(text.line("none") == "none");
    CHECK(text.line("\x1b[31mr\x1b[0;32mg") == "\x1b[31mr\x1b[0;32mg\x1b[0m");
    CHECK(text.line("g") == "\x1b[0;32mg\x1b[0m");
}

TEST_CASE("a program that never resets its colours does not fill the memory") {
    StyledText text(Color::on);
    for (int i = 0; i < 1000; i++) text.line("\x1b[31m");
    CHECK(text.line("x").size() < 400);
}

TEST_CASE("styled text is measured and cut by its columns") {
    CHECK(styled_width("a\x1b[31mb\x1b[0m漢") == 4);
    CHECK(clip_styled("\x1b[31mabcdef\x1b[0m", 6) == "\x1b[31mabcdef\x1b[0m");
    CHECK(clip_styled("\x1b[31mabcdef\x1b[0m", 4) == "\x1b[31mabc…\x1b[0m");
    CHECK(clip_styled("漢字漢字", 4) == "漢…");
    CHECK(clip_styled("abc", 0).empty());
}
