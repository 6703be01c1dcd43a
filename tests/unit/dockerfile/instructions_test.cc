// What each instruction's arguments become.
#include "parsing.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

TEST_CASE("FROM holds the image") {
    REQUIRE(parse_text("FROM debian:12").instructions[0].args == Strings{"debian:12"});
}

TEST_CASE("FROM holds AS and the name as written") {
    REQUIRE(parse_text("FROM debian as Base").instructions[0].args == Strings{"debian", "AS", "Base"});
}

TEST_CASE("FROM takes a platform") {
    auto from = parse_text("FROM --platform=$BUILDPLATFORM debian").instructions[0];
    REQUIRE(from.flag("platform")->value == "$BUILDPLATFORM");
    REQUIRE(from.flag("other") == nullptr);
}

TEST_CASE("the shell form of RUN is one string") {
    auto run = parse_one("RUN echo  \"a b\" | cat");
    REQUIRE(run.form == Form::shell);
    REQUIRE(run.args == Strings{"echo  \"a b\" | cat"});
}

TEST_CASE("the exec form is the array") {
    auto run = parse_one("RUN [\"echo\", \"a\\u0062\\n\", \"\"]");
    REQUIRE(run.form == Form::exec);
    REQUIRE(run.args == Strings{"echo", "ab\n", ""});
}

TEST_CASE("JSON that does not parse is the shell form") {
    auto run = parse_one("RUN [ -f /a ]");
    REQUIRE(run.form == Form::shell);
    REQUIRE(run.args == Strings{"[ -f /a ]"});
}

TEST_CASE("JSON with text after it is the shell form") { REQUIRE(parse_one("CMD [\"a\"] b").form == Form::shell); }

TEST_CASE("an array in several lines is the exec form") {
    REQUIRE(parse_one("CMD [\"a\", \\\n  \"b\"]").args == Strings{"a", "b"});
}

TEST_CASE("CMD and ENTRYPOINT may be cleared") {
    REQUIRE(parse_one("CMD []").args.empty());
    REQUIRE(parse_one("CMD []").form == Form::exec);
    REQUIRE(parse_one("ENTRYPOINT []").args.empty());
    for (const char* line : {"CMD", "ENTRYPOINT", "CMD  ", "ENTRYPOINT \\\n"}) {  // L-15
        CHECK(parse_one(line).args.empty());
        CHECK(parse_one(line).form == Form::exec);
    }
}

TEST_CASE("ENV pairs keep their quotes") {
    REQUIRE(parse_one("ENV a=1 b=\"x y\" c='$z' d=e\\ f").args ==
            Strings{"a", "1", "b", "\"x y\"", "c", "'$z'", "d", "e\\ f"});
}

TEST_CASE("ENV without an equals sign takes the rest of the line") {
    REQUIRE(parse_one("ENV name  a \"b\" c=d").args == Strings{"name", "a \"b\" c=d"});
}

TEST_CASE("ENV values may be empty and hold equals signs") {
    REQUIRE(parse_one("ENV a= b=c=d").args == Strings{"a", "", "b", "c=d"});
}

TEST_CASE("LABEL pairs are split like those of ENV") {
    REQUIRE(parse_one("LABEL \"com.example.a\"=b version=\"1.0\"").args ==
            Strings{"\"com.example.a\"", "b", "version", "\"1.0\""});
}

TEST_CASE("ARG takes names with and without defaults") {
    REQUIRE(parse_one("ARG a b=1 c=\"x y\" d=").args == Strings{"a", "b=1", "c=\"x y\"", "d="});
}

TEST_CASE("COPY holds sources and destination") {
    REQUIRE(parse_one("COPY a \"b\" /c/").args == Strings{"a", "\"b\"", "/c/"});
}

TEST_CASE("COPY takes names with blanks as JSON") {
    auto copy = parse_one("COPY [\"a b\", \"c d/\"]");
    REQUIRE(copy.form == Form::exec);
    REQUIRE(copy.args == Strings{"a b", "c d/"});
}

TEST_CASE("COPY takes its flags in any order, exclude several times") {
    auto copy = parse_one(
        "COPY --link --exclude=*.o --from=base --chown=a:b --exclude=*.a --chmod=u=rwX,go=rX --parents=false a b");
    REQUIRE(copy.flags.size() == 7);
    REQUIRE_FALSE(copy.flag("link")->has_value);
    REQUIRE(copy.flag("from")->value == "base");
    REQUIRE(copy.flag("chmod")->value == "u=rwX,go=rX");
    REQUIRE(copy.flags[4].value == "*.a");
    REQUIRE(copy.flag("parents")->value == "false");
    REQUIRE(copy.args == Strings{"a", "b"});
}

TEST_CASE("ADD takes its flags") {
    auto add =
        parse_one("ADD --keep-git-dir=true --unpack=false --link=TRUE "
                  "--checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://a/b /c");
    REQUIRE(add.flags.size() == 4);
    REQUIRE(add.args == Strings{"https://a/b", "/c"});
}

TEST_CASE("quotes in a flag's value are removed") {
    REQUIRE(parse_one("COPY --chown=\"a b\" --exclude='*.o' a b").flag("chown")->value == "a b");
    REQUIRE(parse_one("COPY --exclude=a\\ b a b").flag("exclude")->value == "a b");
}

TEST_CASE("a flag's span covers it") {
    auto copy = parse_one("COPY --link --chown=me a b");
    REQUIRE(copy.flags[1].span.line == 2);
    REQUIRE(copy.flags[1].span.column == 13);
    REQUIRE(copy.flags[1].span.length == 10);
}

TEST_CASE("two dashes alone end the flags") {
    auto run = parse_one("RUN --network=none -- --mount");
    REQUIRE(run.flags.size() == 1);
    REQUIRE(run.args == Strings{"--mount"});
}

TEST_CASE("a flag after the first argument belongs to the command") {
    REQUIRE(parse_one("RUN tool --mount=x").args == Strings{"tool --mount=x"});
}

TEST_CASE("RUN takes mounts, network and security") {
    auto run = parse_one("RUN --mount=type=cache,target=/c --mount=type=ssh --network=host --security=insecure make");
    REQUIRE(run.flags.size() == 4);
    REQUIRE(run.args == Strings{"make"});
}

TEST_CASE("VOLUME takes words and JSON") {
    REQUIRE(parse_one("VOLUME /a /b").args == Strings{"/a", "/b"});
    REQUIRE(parse_one("VOLUME [\"/a b\"]").args == Strings{"/a b"});
}

TEST_CASE("EXPOSE takes words") { REQUIRE(parse_one("EXPOSE 80 443/tcp $p").args == Strings{"80", "443/tcp", "$p"}); }

TEST_CASE("USER, WORKDIR, STOPSIGNAL and MAINTAINER take the rest of the line") {
    REQUIRE(parse_one("USER app:staff").args == Strings{"app:staff"});
    REQUIRE(parse_one("WORKDIR \"/a b\"").args == Strings{"\"/a b\""});
    REQUIRE(parse_one("STOPSIGNAL SIGKILL").args == Strings{"SIGKILL"});
    REQUIRE(parse_one("MAINTAINER Some One <a@b>").args == Strings{"Some One <a@b>"});
}

TEST_CASE("SHELL holds the array") {
    REQUIRE(parse_one("SHELL [\"/bin/bash\", \"-c\"]").args == Strings{"/bin/bash", "-c"});
}

TEST_CASE("HEALTHCHECK NONE") { REQUIRE(parse_one("HEALTHCHECK none").args == Strings{"NONE"}); }

TEST_CASE("HEALTHCHECK CMD in shell form") {
    auto check = parse_one("HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f http://localhost || exit 1");
    REQUIRE(check.args == Strings{"CMD", "curl -f http://localhost || exit 1"});
    REQUIRE(check.form == Form::shell);
    REQUIRE(check.flag("interval")->value == "1m30s");
}

TEST_CASE("HEALTHCHECK CMD in exec form") {
    auto check = parse_one("HEALTHCHECK cmd [\"a\", \"b\"]");
    REQUIRE(check.args == Strings{"CMD", "a", "b"});
    REQUIRE(check.form == Form::exec);
}

TEST_CASE("ONBUILD holds the trigger's text") {
    auto trigger = parse_one("ONBUILD   COPY --chown=a . /b");
    REQUIRE(trigger.args == Strings{"COPY --chown=a . /b"});
    REQUIRE(trigger.flags.empty());
}

TEST_CASE("all instructions are known") {
    auto file = parse_text(
        "ARG a\nFROM scratch\nADD a b\nARG c\nCMD d\nCOPY e f\nENTRYPOINT g\nENV h=i\nEXPOSE 1\nHEALTHCHECK NONE\n"
        "LABEL j=k\nMAINTAINER l\nONBUILD RUN m\nRUN n\nSHELL [\"o\"]\nSTOPSIGNAL 9\nUSER p\nVOLUME /q\n"
        "WORKDIR /r\n");
    REQUIRE(file.instructions.size() == 19);
}

TEST_CASE("span_of finds an argument in a continued instruction") {
    auto file = parse_text("FROM scratch\nCOPY a \\\n  bcd \\\n  /e\n");
    auto span = file.span_of(file.instructions[1], "bcd");
    REQUIRE(span.line == 3);
    REQUIRE(span.column == 3);
    REQUIRE(span.length == 3);
}

TEST_CASE("span_of does not look at the instruction's name") {
    auto file = parse_text("FROM scratch\nUSER USER\n");
    REQUIRE(file.span_of(file.instructions[1], "USER").column == 6);
}

TEST_CASE("span_of falls back on the instruction") {
    auto file = parse_text("FROM scratch\nUSER a\n");
    REQUIRE(file.span_of(file.instructions[1], "nowhere").column == 1);
}

TEST_CASE("span_of_line is the whole line, and empty beyond the file") {
    auto file = parse_text("FROM scratch\nUSER a\n");
    REQUIRE(file.span_of_line(2).source == "USER a");
    REQUIRE(file.span_of_line(2).column == 0);
    REQUIRE(file.span_of_line(99).source.empty());
}
