#include "gbuild/cli/display.h"

#include "support/catch.h"

using namespace gbuild::cli;
using std::chrono::milliseconds;

TEST_CASE("safe text keeps letters of any language") {
    CHECK(safe_text("grüße 日本 \"quoted\" \\ ok") == "grüße 日本 \"quoted\" \\ ok");
}

TEST_CASE("safe text escapes what steers a terminal") {
    CHECK(safe_text("a\x1b[31mb") == "a\\x1b[31mb");
    CHECK(safe_text("a\nb\tc\rd") == "a\\nb\\tc\\rd");
    CHECK(safe_text("\xc2\x9b") == "\\x9b");
    CHECK(safe_text("\x7f") == "\\x7f");
    CHECK(safe_text(std::string("\0", 1)) == "\\x00");
}

TEST_CASE("safe text escapes characters that reorder or hide text") {
    CHECK(safe_text("\xe2\x80\xae") == "\\u202e");
    CHECK(safe_text("\xe2\x80\xa8") == "\\u2028");
    CHECK(safe_text("\xef\xbb\xbf") == "\\ufeff");
    CHECK(safe_text("\xe2\x80\x8b") == "\\u200b");
}

TEST_CASE("safe text escapes bytes that are not UTF-8") {
    CHECK(safe_text("\xff") == "\\xff");
    CHECK(safe_text("\xc3") == "\\xc3");
    CHECK(safe_text("\xc0\x80") == "\\xc0\\x80");
    CHECK(safe_text("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(safe_text("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
}

TEST_CASE("width counts columns") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("é") == 1);
    CHECK(display_width("日本") == 4);
    CHECK(display_width("e\xcc\x81") == 1);
}

TEST_CASE("clipping never exceeds the columns") {
    CHECK(clip("abc", 3) == "abc");
    CHECK(clip("abcd", 3) == "ab…");
    CHECK(clip("日本語", 4) == "日…");
    CHECK(clip("abc", 0).empty());
}

TEST_CASE("durations") {
    CHECK(human_duration(milliseconds(0)) == "0.0 s");
    CHECK(human_duration(milliseconds(349)) == "0.3 s");
    CHECK(human_duration(milliseconds(12'400)) == "12.4 s");
    CHECK(human_duration(milliseconds(59'960)) == "1 min 00 s");
    CHECK(human_duration(milliseconds(123'000)) == "2 min 03 s");
    CHECK(human_duration(milliseconds(3'720'000)) == "1 h 02 min");
}

TEST_CASE("ages") {
    CHECK(human_age(-5) == "just now");
    CHECK(human_age(59) == "just now");
    CHECK(human_age(60) == "1 minute ago");
    CHECK(human_age(7200) == "2 hours ago");
    CHECK(human_age(86'400 * 59) == "59 days ago");
    CHECK(human_age(86'400 * 90) == "3 months ago");
    CHECK(human_age(86'400 * 800) == "2 years ago");
}

TEST_CASE("block sizes") {
    CHECK(human_block_size(131072) == "128 KiB");
    CHECK(human_block_size(1u << 20) == "1 MiB");
    CHECK(human_block_size(1000) == "1000 B");
}

TEST_CASE("table columns line up without trailing spaces") {
    CHECK(format_table({{"A", "LONG", "C"}, {"日本", "x", ""}}) == "A     LONG  C\n日本  x\n");
    CHECK(format_table({}).empty());
}

TEST_CASE("wrapping fills lines and indents those after the first") {
    CHECK(wrap("one two three", 2, 9) == "one two\n  three");
    CHECK(wrap("incomprehensible", 4, 8) == "incomprehensible");
}
