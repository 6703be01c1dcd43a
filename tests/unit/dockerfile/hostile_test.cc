// Input that was made to hurt.
#include <random>

#include "gbuild/dockerfile/expand.h"
#include "gbuild/dockerfile/ignore.h"
#include "parsing.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

std::string repeated(const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; i++) result += text;
    return result;
}

// Whatever comes of it, it is a result or an Error with a message.
void survive(const std::string& text) {
    try {
        to_json(parse_text(text));
    } catch (const Error& error) {
        CHECK_FALSE(error.message().empty());
        CHECK(error.kind() != ErrorKind::internal);
    }
}

}  // namespace

TEST_CASE("a file that is too large is refused") {
    auto error = failure("FROM scratch\n" + std::string((16u << 20) + 1, ' '));
    REQUIRE(error.kind == ErrorKind::limit);
    REQUIRE_THAT(error.message, ContainsSubstring("is larger than"));
}

TEST_CASE("too many lines are refused") { REQUIRE(failure(repeated("\n", 1'000'001)).kind == ErrorKind::limit); }

TEST_CASE("too many instructions are refused") {
    REQUIRE(failure(repeated("FROM a\n", 100'001)).kind == ErrorKind::limit);
}

TEST_CASE("too many flags are refused") {
    auto error = failure_of("COPY " + repeated("--exclude=a ", 300) + "a b");
    REQUIRE(error.kind == ErrorKind::limit);
    REQUIRE(error.line == 2);
}

TEST_CASE("deeply nested JSON is no exec form, and no stack overflow") {
    REQUIRE(parse_one("CMD " + std::string(1'000'000, '[')).form == Form::shell);
    REQUIRE(failure_of("CMD " + std::string(100'000, '[') + std::string(100'000, ']')).message ==
            "the array holds something other than strings");
}

TEST_CASE("a span into a very long line holds only the beginning of it") {
    auto error = failure_of(std::string(1'000'000, 'X') + " a");
    REQUIRE(error.source.size() == 4096);
}

TEST_CASE("a long chain of ONBUILD is refused at the second") {
    REQUIRE(failure_of(repeated("ONBUILD ", 100'000) + "RUN a").message == "ONBUILD cannot trigger ONBUILD");
}

TEST_CASE("many continuation lines are joined in linear time") {
    REQUIRE(parse_one("RUN a" + repeated(" \\\n b", 100'000)).last_line == 100'002);
}

TEST_CASE("many heredocs in one line") {
    auto error = failure_of("COPY " + repeated("<<a ", 20'000) + "/d");
    REQUIRE(error.message == "the heredoc \"a\" is not ended");
}

TEST_CASE("every prefix of a rich file is parsed or refused") {
    std::string text =
        "# syntax=a\n# escape=`\nARG v=\"1\"\nFROM --platform=$p a:${v} AS b\nRUN --mount=type=cache,target=/a <<-'E' "
        "cat `\n  # c\n  x\n\ty\n\tE\nCOPY --from=b --chmod=u=rwX [\"a b\", \"/c\"]\nENV a='b' c=\"d e\" f=g\\ h\n"
        "HEALTHCHECK --interval=1m CMD [\"x\"]\nONBUILD ADD <<E /f\nz\nE\n";
    for (size_t length = 0; length <= text.size(); length++) survive(text.substr(0, length));
}

TEST_CASE("random bytes and random edits are parsed or refused") {
    std::mt19937 random(12345);
    const std::string pieces[] = {
        "FROM ", "a",  "\n",       "\\",    "\"", "'",    "[", "]",    ",",    "$",        "{",
        "}",     "<<", "EOF",      "RUN ",  "-",  "COPY", " ", "ENV",  "--x=", "--mount=", "type=",
        "=",     "#",  ":",        "\r",    "\t", "*",    "?", "\xFF", "é",    "ONBUILD ", "HEALTHCHECK ",
        "CMD ",  "/",  "--chmod=", "LABEL "};
    for (int round = 0; round < 3000; round++) {
        std::string text = round % 2 == 0 ? "FROM scratch\n" : "";
        for (int i = 0; i < 40; i++) text += pieces[random() % std::size(pieces)];
        survive(text);
    }
}

TEST_CASE("random words expand or are refused") {
    std::mt19937 random(54321);
    const std::string pieces[] = {"$", "{", "}", "a",  ":",  "-", "+", "?", "#",
                                  "%", "/", "*", "\\", "\"", "'", " ", "é", "b1"};
    Expander expander{[](std::string_view name) -> std::optional<std::string> {
        if (name.size() % 2 == 0) return std::nullopt;
        return "v*/" + std::string(name);
    }};
    for (int round = 0; round < 20'000; round++) {
        std::string text;
        for (int i = 0; i < 14; i++) text += pieces[random() % std::size(pieces)];
        for (auto expand : {&Expander::word, &Expander::heredoc}) {
            try {
                (expander.*expand)(text);
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::dockerfile);
            }
        }
    }
}

TEST_CASE("random patterns match or are refused, and a match of the whole is a match of path or parent") {
    std::mt19937 random(777);
    const std::string pieces[] = {"*", "**", "/", "a", "b", "?", "[a-b]", "[^a]", "\\", "!", ".", "[", "]", "é"};
    for (int round = 0; round < 20'000; round++) {
        std::string text, path;
        for (int i = 0; i < 6; i++) text += pieces[random() % std::size(pieces)];
        for (int i = 0; i < 6; i++) path += "ab/"[random() % 3];
        try {
            Pattern pattern(text);
            bool both = !pattern.matches(path) || pattern.matches_path_or_parent(path);
            CHECK(both);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::dockerfile);
        }
    }
}

TEST_CASE("warnings of one line have an end") {
    std::string line = "ENV " + repeated("A_KEY=1 ", 50'000);
    REQUIRE(parse_text("FROM scratch\n" + line + "\n").warnings.size() == 1000);
}
