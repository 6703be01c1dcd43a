#include "gbuild/cli/error_text.h"

#include <new>
#include <stdexcept>
#include <system_error>

#include "fake_console.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

SourceSpan span(std::string source, int column, int length) {
    return {"Dockerfile", 12, column, length, std::move(source)};
}

}  // namespace

TEST_CASE("an error without a place") {
    CHECK(error_text(Error(ErrorKind::not_found, "there is no \"x\"").hint("look elsewhere"), Color::off) ==
          "gbuild: error: there is no \"x\"\n"
          "hint: look elsewhere\n");
}

TEST_CASE("an error in a Dockerfile shows its line and underlines the place") {
    Error error(ErrorKind::dockerfile, "unknown instruction \"WORKDRI\"");
    error.at(span("  WORKDRI /golem", 3, 7)).hint("did you mean WORKDIR?");
    CHECK(error_text(error, Color::off) == "Dockerfile:12:3: error: unknown instruction \"WORKDRI\"\n"
                                           "   12 |   WORKDRI /golem\n"
                                           "      |   ^~~~~~~\n"
                                           "hint: did you mean WORKDIR?\n");
}

TEST_CASE("an error about a whole line has no caret") {
    CHECK(error_text(Error(ErrorKind::dockerfile, "bad").at(span("VOLUME", 0, 1)), Color::off) ==
          "Dockerfile:12: error: bad\n"
          "   12 | VOLUME\n");
}

TEST_CASE("context is told from the inside out") {
    Error error(ErrorKind::network, "connection reset");
    error.context("reading the manifest").context("while pulling debian:latest");
    CHECK(error_text(error, Color::off) == "gbuild: error: connection reset\n"
                                           "  while reading the manifest\n"
                                           "  while pulling debian:latest\n");
}

TEST_CASE("nothing in an error can steer the terminal") {
    Error error(ErrorKind::integrity, "a\x1b[2Jb\nc");
    error.hint("\x1b]0;x\x07")
        .context("\x1b")
        .at({"Docker\x1b"
             "file",
             1, 1, 1, "FROM \x1b[31m"});
    std::string text = error_text(error, Color::off);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    CHECK(text.rfind("Docker\\x1bfile:1:1: error: a\\x1b[2Jb\\nc\n", 0) == 0);
}

TEST_CASE("the caret stands right behind tabs, wide characters and escapes") {
    auto caret_line = [](const std::string& source, int column) {
        std::string text = error_text(Error(ErrorKind::dockerfile, "x").at(span(source, column, 1)), Color::off);
        size_t second = text.find('\n', text.find('\n') + 1) + 1;
        return text.substr(second);
    };
    CHECK(caret_line("\tX", 2) == "      |     ^\n");
    CHECK(caret_line("日X", 4) == "      |   ^\n");
    CHECK(caret_line("\xffX", 2) == "      |     ^\n");
    CHECK(caret_line("ab", 3) == "      |   ^\n");
    CHECK(caret_line("ab", 1) == "      | ^\n");
}

TEST_CASE("an underline ends with its line") {
    CHECK_THAT(error_text(Error(ErrorKind::dockerfile, "x").at(span("FROM a", 6, 50)), Color::off),
               ContainsSubstring("      |      ^\n"));
}

TEST_CASE("a long line is shown around the place") {
    std::string source = std::string(500, 'a') + "HERE" + std::string(500, 'b');
    std::string text = error_text(Error(ErrorKind::dockerfile, "x").at(span(source, 501, 4)), Color::off);
    size_t line = text.find("   12 | ");
    size_t caret = text.find("      | ");
    std::string shown = text.substr(line + 8, caret - line - 9);
    std::string marks = text.substr(caret + 8);
    CHECK(shown.rfind("…", 0) == 0);
    // "…" is three bytes and one column.
    CHECK(shown.substr(marks.find('^') + 2, 4) == "HERE");
    CHECK(marks.substr(marks.find('^')) == "^~~~\n");
    CHECK(shown.size() < 120);
}

TEST_CASE("colour paints labels only when asked") {
    CHECK(error_text(Error(ErrorKind::io, "x"), Color::on) == "\x1b[1mgbuild:\x1b[0m \x1b[1;31merror:\x1b[0m x\n");
}

TEST_CASE("a warning tells its id") {
    CHECK(warning_text({"no-volume", "no VOLUME: files cannot be transferred", span("FROM a", 0, 1), "add one"},
                       Color::off) == "Dockerfile:12: warning: no VOLUME: files cannot be transferred [no-volume]\n"
                                      "   12 | FROM a\n"
                                      "hint: add one\n");
    CHECK(warning_text({"user-not-root", "x", {}, ""}, Color::off) == "gbuild: warning: x [user-not-root]\n");
}

TEST_CASE("other exceptions become errors") {
    auto kind = [](auto exception) { return as_error(std::make_exception_ptr(exception)).kind(); };
    CHECK(kind(std::bad_alloc()) == ErrorKind::io);
    CHECK(kind(std::system_error(EAGAIN, std::generic_category())) == ErrorKind::io);
    CHECK(kind(std::logic_error("x")) == ErrorKind::internal);
    CHECK(kind(42) == ErrorKind::internal);
    CHECK(kind(Error(ErrorKind::limit, "x")) == ErrorKind::limit);
}

TEST_CASE("an interruption has no place (U-17)") {
    Error error(ErrorKind::interrupted, "interrupted");
    error.at({"Dockerfile", 4, 1, 3, "RUN sleep 100"}).context("executing a step");
    CHECK(error_text(error, Color::off) == "gbuild: interrupted\n");
    FakeConsole file;
    CHECK(failure_text(error, file.console) == "gbuild: interrupted\n");
    StringOutput terminal(Kind::terminal);
    const Console console{file.out, terminal, file.console.env};
    CHECK(failure_text(error, console) == "\ngbuild: interrupted\n");
    CHECK(failure_text(Error(ErrorKind::io, "no"), console) == "gbuild: error: no\n");
}
