// Lines, continuations, comments, directives.
#include "parsing.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

TEST_CASE("instruction names may be in any case") {
    auto file = parse_text("from scratch\nRun true\nwOrKdIr /a\n");
    REQUIRE(file.instructions[0].name == "FROM");
    REQUIRE(file.instructions[1].name == "RUN");
    REQUIRE(file.instructions[2].name == "WORKDIR");
}

TEST_CASE("a UTF-8 byte order mark is stripped and columns count after it") {
    auto file = parse_text("\xEF\xBB\xBF"
                           "FROM scratch\n");
    REQUIRE(file.instructions[0].name == "FROM");
    REQUIRE(file.instructions[0].span.column == 1);
}

TEST_CASE("CRLF line ends are no part of arguments") {
    auto file = parse_text("FROM scratch\r\nWORKDIR /a\r\nRUN a \\\r\n  b\r\n");
    REQUIRE(file.instructions[1].args == Strings{"/a"});
    REQUIRE(file.instructions[2].args == Strings{"a   b"});
    REQUIRE(file.lines[1] == "WORKDIR /a");
}

TEST_CASE("a last line without a line end counts") {
    REQUIRE(parse_text("FROM scratch\nUSER app").instructions[1].args == Strings{"app"});
}

TEST_CASE("white space around an instruction is dropped") {
    auto instruction = parse_one("  \t WORKDIR   /a b  \t");
    REQUIRE(instruction.name == "WORKDIR");
    REQUIRE(instruction.args == Strings{"/a b"});
    REQUIRE(instruction.span.column == 5);
    REQUIRE(instruction.span.length == 7);
}

TEST_CASE("comments and blank lines between instructions are skipped") {
    auto file = parse_text("# one\n\n  # two\nFROM scratch\n# three\nUSER a\n");
    REQUIRE(file.instructions.size() == 2);
    REQUIRE(file.instructions[1].first_line == 6);
}

TEST_CASE("continuation lines are joined") {
    auto instruction = parse_one("RUN a && \\\n    b && \\   \n\tc");
    REQUIRE(instruction.args == Strings{"a &&     b && \tc"});
    REQUIRE(instruction.first_line == 2);
    REQUIRE(instruction.last_line == 4);
    REQUIRE(instruction.original == "RUN a && \\\n    b && \\   \n\tc");
}

TEST_CASE("comments inside a continuation are dropped") {
    REQUIRE(parse_one("RUN a \\\n# note\n  # indented\n b").args == Strings{"a  b"});
}

TEST_CASE("a hash inside a continued line is no comment") {
    REQUIRE(parse_one("RUN a \\\n b # c").args == Strings{"a  b # c"});
}

TEST_CASE("an empty line inside a continuation is a warning") {
    auto file = parse_text("FROM scratch\nRUN a \\\n\n b\n");
    REQUIRE(file.instructions[1].args == Strings{"a  b"});
    REQUIRE(file.warnings.size() == 1);
    REQUIRE(file.warnings[0].id == "empty-continuation-line");
    REQUIRE(file.warnings[0].span->line == 3);
}

TEST_CASE("a continuation at the end of the file ends with it") { REQUIRE(parse_one("RUN a \\").args == Strings{"a"}); }

TEST_CASE("a doubled escape character at the end of a line is no continuation") {
    auto file = parse_text("FROM scratch\nRUN a \\\\\nUSER b\n");
    REQUIRE(file.instructions[1].args == Strings{"a \\\\"});
    REQUIRE(file.instructions[2].name == "USER");
}

TEST_CASE("an instruction's name may be continued") { REQUIRE(parse_one("RU\\\nN true").name == "RUN"); }

TEST_CASE("the escape directive changes the continuation character") {
    auto file = parse_text("# escape=`\nFROM scratch\nRUN a `\n b \\\nUSER c\\\n");
    REQUIRE(file.escape == '`');
    REQUIRE(file.instructions[1].args == Strings{"a  b \\"});
    REQUIRE(file.instructions[2].args == Strings{"c\\"});
}

TEST_CASE("directives are read in any case and spacing") {
    auto file = parse_text("#SYNTAX = docker/dockerfile:1\n# check=skip=all;error=true\nFROM scratch\n");
    REQUIRE(file.syntax == "docker/dockerfile:1");
    REQUIRE(file.check == "skip=all;error=true");
    REQUIRE(file.escape == '\\');
}

TEST_CASE("directives are read below a line that names an interpreter (L-16)") {
    auto file = parse_text("#!/usr/bin/env dockerfile\n# syntax=x\n# check=skip=all\nFROM scratch\nENV a b\n");
    CHECK(file.syntax == "x");
    CHECK(file.check == "skip=all");
    CHECK(file.warnings.empty());
    CHECK(parse_text("#!/bin/sh\r\n# check=skip=all\r\nFROM scratch\r\n").check == "skip=all");
    CHECK(parse_text("#!x\n# escape=`\n# check=skip=all\nFROM scratch\n").check == "skip=all");
    CHECK(parse_text("#!x\n# escape=`\nFROM scratch\n").escape == '\\');  // as BuildKit has it
    CHECK(parse_text("#!x\n\n# check=skip=all\nFROM scratch\n").check.empty());
    CHECK(parse_text(" #!x\n# check=skip=all\nFROM scratch\n").check.empty());
    CHECK(parse_text("#!x\n#!y\n# check=skip=all\nFROM scratch\n").check.empty());
}

TEST_CASE("a check from outside is in the place of the directive (L-14)") {
    const std::string text = "# check=skip=all\nFROM scratch\nENV a b\n";
    CHECK(parse(text, "f").warnings.empty());
    CHECK(parse(text, "f", "skip=StageNameCasing").warnings.size() == 1);
    CHECK(parse("FROM scratch\nENV a b\n", "f", "skip=all;error=true").checks.warnings_are_errors());
    CHECK_THROWS_AS(parse(text, "f", "nosuch=1"), Error);
}

TEST_CASE("blanks of any script around an instruction are dropped (L-10)") {
    for (std::string blank :
         {"\u00A0", "\u2003", "\u3000", "\u0085", "\u1680", "\u2028", " \u00A0\t", "\u202F\u205F"}) {
        CAPTURE(blank);
        CHECK(parse_one("COPY x /y" + blank).args == Strings{"x", "/y"});
        CHECK(parse_one("USER a" + blank).args == Strings{"a"});
        CHECK(parse_one(blank + "USER a").args == Strings{"a"});
        CHECK(parse_one("ENV a=1" + blank + "b=2" + blank).args == Strings{"a", "1", "b", "2"});
        CHECK(parse_one("RUN echo a" + blank).args == Strings{"echo a"});
        CHECK(parse_text("FROM scratch" + blank + "\n" + blank + "# comment\n" + blank + "\nUSER a\n")
                  .instructions.size() == 2);
        CHECK(parse_one("RUN a \\\n" + blank + "# comment\n b").args == Strings{"a  b"});
    }
    // Within, and where a blank is no blank:
    CHECK(parse_one("USER a\u00A0b").args == Strings{"a\u00A0b"});
    CHECK(parse_one("COPY x /y\u200B").args == Strings{"x", "/y\u200B"});
    CHECK(parse_one("USER a\xA0").args == Strings{"a\xA0"});
}

TEST_CASE("a directive after a comment is a comment") {
    REQUIRE(parse_text("# hello\n# escape=`\nFROM scratch\n").escape == '\\');
}

TEST_CASE("a directive after an unknown one is a comment") {
    REQUIRE(parse_text("# unknown=1\n# escape=`\nFROM scratch\n").escape == '\\');
}

TEST_CASE("a directive after an empty line is a comment") {
    REQUIRE(parse_text("\n# escape=`\nFROM scratch\n").escape == '\\');
}

TEST_CASE("a directive after an instruction is a comment") {
    REQUIRE(parse_text("FROM scratch\n# escape=`\n").escape == '\\');
}

TEST_CASE("a repeated directive is an error") {
    auto error = failure("# escape=`\n# escape=`\nFROM scratch\n");
    REQUIRE(error.message == "the escape directive is given twice");
    REQUIRE(error.line == 2);
}

TEST_CASE("only backslash and backtick can escape") {
    auto error = failure("# escape=x\nFROM scratch\n");
    REQUIRE(error.message == "\"x\" cannot be the escape character");
    REQUIRE(error.hint == "use \\ or `");
    REQUIRE(error.marked() == "x");
}

TEST_CASE("spans in continued lines point to the line they are on") {
    auto error = failure_of("COPY --chown=a \\\n   --form=b x y");
    REQUIRE(error.line == 3);
    REQUIRE(error.column == 4);
    REQUIRE(error.marked() == "--form");
}

TEST_CASE("an empty file has no instructions") {
    auto error = failure("");
    REQUIRE(error.message == "\"Dockerfile\" has no instructions");
    REQUIRE(error.hint == "start with FROM IMAGE, or FROM scratch");
    REQUIRE(error.kind == ErrorKind::dockerfile);
}

TEST_CASE("a file of comments has no instructions") {
    REQUIRE(failure("# a\n\n# b\n").message == "\"Dockerfile\" has no instructions");
}

TEST_CASE("UTF-16 text is named as such") {
    auto error = failure(std::string_view("\xFF\xFE\x46\x00", 4));
    REQUIRE(error.message == "\"Dockerfile\" is UTF-16 text");
    REQUIRE(error.hint == "save it as UTF-8");
}

TEST_CASE("a NUL byte is refused with its line") {
    auto error = failure(std::string_view("FROM scratch\nRUN a\0b\n", 21));
    REQUIRE(error.line == 2);
    REQUIRE(error.message == "\"Dockerfile\" holds a NUL byte, so it is no text file");
}
