#include "check/shell_commands.h"

#include "gbuild/base/text.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::check;

namespace {

// "a b|", one a command: a bar where its output goes on.
std::vector<std::string> shell_lines(std::string_view script) {
    std::vector<std::string> lines;
    for (const ShellCommand& command : parse_commands(script))
        lines.push_back(join(command.words, " ") + (command.piped ? "|" : ""));
    return lines;
}

using ShellLines = std::vector<std::string>;

}  // namespace

TEST_CASE("commands end at separators") {
    CHECK(shell_lines("a b && c || d; e & f\ng") == ShellLines{"a b", "c", "d", "e", "f", "g"});
    CHECK(shell_lines("a | b |& c") == ShellLines{"a|", "b|", "c"});
    CHECK(shell_lines("(a; b) && { c; }") == ShellLines{"a", "b", "c"});
    CHECK(shell_lines("").empty());
    CHECK(shell_lines(" ;; ").empty());
}

TEST_CASE("quotes, escapes and substitutions keep separators together") {
    CHECK(shell_lines(R"(a "b && c" 'd | e' f\;g)") == ShellLines{"a b && c d | e f;g"});
    CHECK(shell_lines("a $(b | c; d) e") == ShellLines{"a $(b | c; d) e"});
    CHECK(shell_lines("a `b | c`") == ShellLines{"a `b | c`"});
    CHECK(shell_lines(R"(a "unclosed)") == ShellLines{"a unclosed"});
    CHECK(shell_lines("a \\\n b") == ShellLines{"a b"});
}

TEST_CASE("redirections are no separators") {
    CHECK(shell_lines("a >/dev/null 2>&1 && b &> c") == ShellLines{"a >/dev/null 2>&1", "b &> c"});
}

TEST_CASE("comments end with their line") { CHECK(shell_lines("a # b && c\nd#e") == ShellLines{"a", "d#e"}); }

TEST_CASE("keywords, variables and starters are taken off the front") {
    CHECK(shell_lines("if ! a; then B=1 b; fi") == ShellLines{"a", "b"});
    CHECK(shell_lines("DEBIAN_FRONTEND=x env A=1 sudo -E apt-get update") == ShellLines{"apt-get update"});
    CHECK(parse_commands("sudo -E x")[0].sudo);
    CHECK_FALSE(parse_commands("echo sudo")[0].sudo);
}

TEST_CASE("options and subcommands") {
    const ShellCommand command = parse_commands("/usr/bin/apt-get -qy --no-x install a -o B=1")[0];
    CHECK(command.name() == "apt-get");
    CHECK(command.subcommand() == "install");
    CHECK(command.has_option("-y"));
    CHECK(command.has_option("--no-x"));
    CHECK_FALSE(command.has_option("-x"));
    CHECK_FALSE(command.has_option("--no"));
}
