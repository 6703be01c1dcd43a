// Every mistake the parser knows: message, hint and what the caret stands under.
#include <fmt/format.h>

#include "parsing.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

void check_failure(const std::string& line, const std::string& message, const std::string& hint,
                   const std::string& marked) {
    INFO(line);
    auto error = failure_of(line);
    CHECK(error.kind == ErrorKind::dockerfile);
    CHECK(error.message == message);
    CHECK(error.hint == hint);
    CHECK(error.line == 2);
    CHECK(error.marked() == marked);
}

}  // namespace

TEST_CASE("an unknown instruction is shown with the likeliest one") {
    check_failure("WORKDRI /a", "unknown instruction \"WORKDRI\"", "did you mean WORKDIR?", "WORKDRI");
    check_failure("RNU true", "unknown instruction \"RNU\"", "did you mean RUN?", "RNU");
    check_failure("  copi a b", "unknown instruction \"copi\"", "did you mean COPY?", "copi");
    check_failure("ENTRYPONT a", "unknown instruction \"ENTRYPONT\"", "did you mean ENTRYPOINT?", "ENTRYPONT");
}

TEST_CASE("an unknown instruction like no other gets the list") {
    auto error = failure_of("FOOBARBAZ a");
    REQUIRE_THAT(error.hint, ContainsSubstring("the instructions are ADD, ARG, CMD, COPY"));
}

TEST_CASE("a command where an instruction should be points to a lost continuation") {
    check_failure("&& apt-get install x", "unknown instruction \"&&\"",
                  "to continue the line above, end it with \"\\\"", "&&");
    auto error = failure("# escape=`\nFROM scratch\napt-get update\n");
    REQUIRE(error.hint == "to continue the line above, end it with \"`\"");
}

TEST_CASE("a lost continuation is a likelier cause than a misspelt instruction (C-11)") {
    for (const char* above : {"RUN a &&", "RUN a ||", "RUN a | ", "RUN if a; then", "RUN (", "RUN a && \\\n b &&"}) {
        INFO(above);
        auto error = failure(std::string("FROM scratch\n") + above + "\n\n# why\n  cd /x\n");
        CHECK(error.message == "unknown instruction \"cd\"");
        CHECK(error.hint.starts_with("to continue line "));
        CHECK(error.hint.ends_with(", end it with \"\\\""));
    }
    CHECK(failure("# escape=`\nFROM scratch\nRUN a &&\n  copy b c\n  rum c\n").hint == "did you mean RUN?");
    CHECK(failure("# escape=`\nFROM scratch\nRUN a &&\n  rum c\n").hint == "to continue line 3, end it with \"`\"");
    CHECK(failure("FROM scratch\nRUN a \\ # why\n  && b\n").hint ==
          "nothing may follow the \"\\\" that continues line 2, no comment either");
    CHECK(failure("FROM scratch\nRUN a;\nWORKDRI /x\n").hint == "did you mean WORKDIR?");
    CHECK(failure("FROM scratch\nUSER a\ncd /x\n").hint == "to continue the line above, end it with \"\\\"");
}

TEST_CASE("an unknown flag is shown with the likeliest one") {
    check_failure("COPY --form=a b c", "unknown flag \"--form\" for COPY", "did you mean --from?", "--form");
    check_failure("COPY --chwon=a b c", "unknown flag \"--chwon\" for COPY", "did you mean --chown?", "--chwon");
    check_failure("HEALTHCHECK --retry=3 CMD x", "unknown flag \"--retry\" for HEALTHCHECK",
                  "HEALTHCHECK takes --interval, --timeout, --start-period, --start-interval, --retries", "--retry");
}

TEST_CASE("a flag of another instruction is unknown") {
    check_failure("ADD --from=a b c", "unknown flag \"--from\" for ADD",
                  "ADD takes --chown, --chmod, --link, --keep-git-dir, --checksum, --unpack, --exclude", "--from");
}

TEST_CASE("instructions without flags say so") {
    check_failure("CMD --help", "unknown flag \"--help\" for CMD", "CMD takes no flags", "--help");
    check_failure("ENV --a=b c=d", "unknown flag \"--a\" for ENV", "ENV takes no flags", "--a");
}

TEST_CASE("a flag without its value") {
    check_failure("COPY --from a b", "--from has no value", "write --from=VALUE, without blanks", "--from");
    check_failure("COPY --chown= a b", "--chown has no value", "write --chown=VALUE, without blanks", "--chown=");
}

TEST_CASE("a flag given twice") {
    check_failure("COPY --chown=a --chown=b c d", "--chown is given twice", "keep one of the two", "--chown=b");
}

TEST_CASE("a switch that is neither true nor false") {
    check_failure("COPY --link=maybe a b", "--link is true or false, not \"maybe\"",
                  "write --link alone, or --link=false", "--link=maybe");
    check_failure("COPY --link= a b", "--link is true or false, not \"\"", "write --link alone, or --link=false",
                  "--link=");
}

TEST_CASE("a bad mode") {
    const char* hint = "give octal digits up to 7777 (755) or symbolic changes (u=rwX,go=rX)";
    check_failure("COPY --chmod=888 a b", "\"888\" is no file mode", hint, "--chmod=888");
    check_failure("COPY --chmod=u=rwq a b", "\"u=rwq\" is no file mode", hint, "--chmod=u=rwq");
}

TEST_CASE("a mode with variables is checked later") { REQUIRE(parse_one("COPY --chmod=$mode a b").flags.size() == 1); }

TEST_CASE("variables in --from") {
    check_failure("COPY --from=$base a b", "COPY --from does not expand variables",
                  "name a stage with FROM and a global ARG (FROM $IMAGE AS name) and copy from that", "--from=$base");
}

TEST_CASE("a bad exclude pattern") {
    check_failure("COPY --exclude=[a b c", "the pattern is malformed: a \"[\" is not closed", "", "--exclude=[a");
}

TEST_CASE("a bad checksum") {
    check_failure("ADD --checksum=md5:123 https://a/b c", "--checksum is no digest: \"md5:123\"",
                  "give sha256: and 64 lower-case hex digits, or a git commit's id", "--checksum=md5:123");
}

TEST_CASE("a git commit is a checksum") {
    REQUIRE(parse_one("ADD --checksum=24454f830cdb571e2c4ad15481119c43b3cafd48 https://a/b.git c").flags.size() == 1);
    REQUIRE(parse_one("ADD --checksum=2445F https://a/b.git c").flags.size() == 1);
}

TEST_CASE("a bad network or security mode") {
    check_failure("RUN --network=hots a", "--network cannot be \"hots\"", "did you mean host?", "--network=hots");
    check_failure("RUN --network=bridge a", "--network cannot be \"bridge\"", "it is one of: default, none, host",
                  "--network=bridge");
    check_failure("RUN --security=none a", "--security cannot be \"none\"", "it is one of: sandbox, insecure",
                  "--security=none");
}

TEST_CASE("a bad mount") {
    check_failure("RUN --mount=type=cahce,target=/x a", "type in --mount cannot be \"cahce\"", "did you mean cache?",
                  "--mount=type=cahce,target=/x");
    check_failure("RUN --mount=tagret=/x a", "unknown key \"tagret\" in --mount", "did you mean target?",
                  "--mount=tagret=/x");
}

TEST_CASE("bad health check values") {
    check_failure("HEALTHCHECK --interval=30 CMD a", "--interval is no duration: \"30\"",
                  "give numbers with units, such as 30s, 1m30s or 500ms", "--interval=30");
    check_failure("HEALTHCHECK --timeout=10us CMD a", "--timeout is shorter than 1ms: \"10us\"",
                  "give 1ms or more, or 0 for the default", "--timeout=10us");
    check_failure("HEALTHCHECK --retries=-1 CMD a", "--retries is no count: \"-1\"", "give a whole number, such as 3",
                  "--retries=-1");
    check_failure("HEALTHCHECK --retries=99999999999 CMD a", "--retries is no count: \"99999999999\"",
                  "give a whole number, such as 3", "--retries=99999999999");
}

TEST_CASE("a zero interval means the default") {
    REQUIRE(parse_one("HEALTHCHECK --interval=0s CMD a").flags.size() == 1);
}

TEST_CASE("health check forms") {
    const char* hint = "write HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE";
    check_failure("HEALTHCHECK curl x", "HEALTHCHECK cannot be \"curl\"", hint, "curl");
    check_failure("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments", hint, "x");
    check_failure("HEALTHCHECK CMD", "HEALTHCHECK CMD has no command", hint, "CMD");
    check_failure("HEALTHCHECK CMD []", "HEALTHCHECK CMD has no command", hint, "CMD");
}

TEST_CASE("missing arguments") {
    check_failure("RUN", "RUN has no command", "write the command after RUN, or remove the line", "RUN");
    check_failure("RUN --network=none ", "RUN has no command", "write the command after RUN, or remove the line",
                  "RUN");
    check_failure("RUN []", "RUN has an empty command", "write the command after RUN, or remove the line", "[]");
    check_failure("ENV", "ENV has no arguments", "write ENV NAME=VALUE", "ENV");
    check_failure("ARG", "ARG has no arguments", "write ARG NAME or ARG NAME=DEFAULT", "ARG");
    check_failure("USER", "USER has no arguments", "write USER NAME or USER NAME:GROUP", "USER");
    check_failure("EXPOSE", "EXPOSE has no arguments", "write EXPOSE PORT or EXPOSE PORT/udp", "EXPOSE");
    check_failure("VOLUME", "VOLUME has no arguments", "write VOLUME /PATH", "VOLUME");
    check_failure("ONBUILD", "ONBUILD has no arguments", "write ONBUILD and an instruction", "ONBUILD");
    check_failure("STOPSIGNAL", "STOPSIGNAL has no arguments", "write STOPSIGNAL SIGTERM, for example", "STOPSIGNAL");
    check_failure("WORKDIR", "WORKDIR has no arguments", "write WORKDIR /PATH", "WORKDIR");
    check_failure("HEALTHCHECK", "HEALTHCHECK has no arguments", "write HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE",
                  "HEALTHCHECK");
    check_failure("FROM", "FROM has no arguments", "write FROM IMAGE, or FROM scratch", "FROM");
}

TEST_CASE("COPY without sources or destination") {
    check_failure("COPY", "COPY has no sources and no destination", "write COPY SOURCE… DESTINATION", "COPY");
    check_failure("COPY a", "COPY has no destination", "write COPY SOURCE… DESTINATION; \".\" is the working directory",
                  "a");
    check_failure("ADD [\"a\"]", "ADD has no destination",
                  "write ADD SOURCE… DESTINATION; \".\" is the working directory", "[\"a\"]");
}

TEST_CASE("quotes around a name with blanks") {
    check_failure("COPY \"a b\" /c", "quotes do not keep blanks together in COPY",
                  "use the JSON form: COPY [\"a b\", …]", "\"a");
    check_failure("VOLUME '/a b'", "quotes do not keep blanks together in VOLUME",
                  "use the JSON form: VOLUME [\"a b\", …]", "'/a");
}

TEST_CASE("an array of other things than strings") {
    const char* message = "the array holds something other than strings";
    const char* hint = "put every element in double quotes";
    check_failure("CMD [1, 2]", message, hint, "[1, 2]");
    check_failure("CMD [[\"a\"]]", message, hint, "[[\"a\"]]");
    check_failure("VOLUME [null]", message, hint, "[null]");
}

TEST_CASE("SHELL in shell form") {
    const char* hint = "write SHELL [\"/bin/bash\", \"-c\"]";
    check_failure("SHELL /bin/bash -c", "SHELL takes a JSON array only", hint, "/bin/bash -c");
    check_failure("SHELL []", "SHELL is empty", hint, "[]");
}

TEST_CASE("ENV mistakes") {
    check_failure("ENV a", "ENV a has no value", "write ENV a=VALUE", "a");
    check_failure("ENV a=1 b", "\"b\" has no \"=\"", "write NAME=VALUE, and put values with blanks in quotes", "b");
    check_failure("ENV =1", "a name is missing before \"=\" in ENV",
                  "write NAME=VALUE, without blanks around the \"=\"", "=1");
    check_failure("LABEL a", "LABEL a has no value", "write LABEL a=VALUE", "a");
}

TEST_CASE("ARG with blanks around the equals sign") {
    check_failure("ARG a = b", "a name is missing before \"=\" in ARG",
                  "write NAME=DEFAULT, without blanks around the \"=\"", "=");
}

TEST_CASE("an empty volume") {
    check_failure("VOLUME [\"\"]", "VOLUME holds an empty path", "write VOLUME /PATH", "[\"\"]");
}

TEST_CASE("FROM with the wrong number of words") {
    check_failure("FROM a b", "FROM takes an image and, after AS, a name", "write FROM IMAGE AS NAME", "b");
    check_failure("FROM a AS", "FROM takes an image and, after AS, a name", "write FROM IMAGE AS NAME", "AS");
}

TEST_CASE("a comment after FROM") {
    check_failure("FROM a # note", "a comment cannot follow an instruction", "give the comment a line of its own", "#");
}

TEST_CASE("a bad stage name") {
    const char* hint = "begin with a letter and use letters, digits, \"-\", \"_\" and \".\"";
    check_failure("FROM a AS 1st", "\"1st\" cannot be a stage's name", hint, "1st");
    check_failure("FROM a AS a/b", "\"a/b\" cannot be a stage's name", hint, "a/b");
}

TEST_CASE("what ONBUILD cannot trigger") {
    check_failure("ONBUILD ONBUILD RUN a", "ONBUILD cannot trigger ONBUILD", "remove one of the two", "ONBUILD");
    check_failure("ONBUILD FROM a", "ONBUILD cannot trigger \"FROM\"", "remove the line", "FROM");
    check_failure("ONBUILD MAINTAINER a", "ONBUILD cannot trigger \"MAINTAINER\"", "remove the line", "MAINTAINER");
}

TEST_CASE("a trigger is checked where it stands") {
    auto error = failure_of("ONBUILD COPY --form=a b c");
    REQUIRE(error.marked() == "--form");
    REQUIRE(error.column == 14);
    REQUIRE(failure_of("ONBUILD RNU a").marked() == "RNU");
}

TEST_CASE("instructions before the first FROM") {
    auto error = failure("ARG a\nRUN b\nFROM scratch\n");
    REQUIRE(error.message == "RUN stands before the first FROM");
    REQUIRE(error.hint == "only ARG may do that; start with FROM IMAGE, or FROM scratch");
    REQUIRE(error.line == 2);
}

TEST_CASE("a file of ARGs has no FROM") {
    auto error = failure("ARG a\nARG b\n");
    REQUIRE(error.message == "\"Dockerfile\" has no FROM");
    REQUIRE(error.line == 2);
}

TEST_CASE("errors carry the file's name and the source line") {
    try {
        parse("FROM scratch\n\n  BAD x\n", "sub/My.Dockerfile");
        FAIL("no error");
    } catch (const Error& error) {
        REQUIRE(error.span()->file == "sub/My.Dockerfile");
        REQUIRE(error.span()->line == 3);
        REQUIRE(error.span()->column == 3);
        REQUIRE(error.span()->source == "  BAD x");
    }
}

TEST_CASE("control characters of the file are not repeated in messages") {
    REQUIRE(failure_of("\x1b[31mX y").message == "unknown instruction \"\\x1b[31mX\"");
}
