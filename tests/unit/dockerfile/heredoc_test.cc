#include "parsing.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

TEST_CASE("a heredoc's body is taken up to its delimiter") {
    auto instruction = parse_one("RUN <<EOF\napt update\n  echo $x\nEOF\nUSER a\n");
    REQUIRE(instruction.args == Strings{"<<EOF"});
    REQUIRE(instruction.heredocs.size() == 1);
    REQUIRE(instruction.heredocs[0].name == "EOF");
    REQUIRE(instruction.heredocs[0].contents == "apt update\n  echo $x\n");
    REQUIRE(instruction.heredocs[0].expand);
    REQUIRE(instruction.last_line == 5);
}

TEST_CASE("instructions go on after a heredoc") {
    auto file = parse_text("FROM scratch\nRUN <<EOF\nFROM not\nEOF\nUSER a\n");
    REQUIRE(file.instructions.size() == 3);
    REQUIRE(file.instructions[2].first_line == 5);
}

TEST_CASE("the original text holds the heredoc") {
    REQUIRE(parse_one("RUN <<EOF\na\nEOF").original == "RUN <<EOF\na\nEOF");
}

TEST_CASE("comments and continuations are nothing special in a heredoc") {
    REQUIRE(parse_one("RUN <<EOF\n# a\nb \\\n\nEOF").heredocs[0].contents == "# a\nb \\\n\n");
}

TEST_CASE("a quoted delimiter turns expansion off") {
    for (const char* delimiter : {"'EOF'", "\"EOF\"", "E\"O\"F", "\\EOF"}) {
        auto heredoc = parse_one(std::string("RUN <<") + delimiter + "\nx\nEOF").heredocs[0];
        CHECK(heredoc.name == "EOF");
        CHECK_FALSE(heredoc.expand);
    }
}

TEST_CASE("a dash strips leading tabs, also of the delimiter") {
    auto heredoc = parse_one("RUN <<-EOF\n\t\ta\n\t b\n\tEOF").heredocs[0];
    REQUIRE(heredoc.strip_tabs);
    REQUIRE(heredoc.contents == "a\n b\n");
}

TEST_CASE("without a dash an indented delimiter is contents") {
    REQUIRE(parse_one("RUN <<EOF\n\tEOF\nEOF").heredocs[0].contents == "\tEOF\n");
}

TEST_CASE("several heredocs follow each other in order") {
    auto instruction = parse_one("COPY <<one <<two /d/\n1\none\n2\ntwo");
    REQUIRE(instruction.args == Strings{"/d/"});
    REQUIRE(instruction.heredocs.size() == 2);
    REQUIRE(instruction.heredocs[0].contents == "1\n");
    REQUIRE(instruction.heredocs[1].name == "two");
    REQUIRE(instruction.heredocs[1].contents == "2\n");
}

TEST_CASE("a number before a heredoc is its file descriptor") {
    auto heredoc = parse_one("RUN cat 3<<EOF /dev/fd/3\nx\nEOF").heredocs[0];
    REQUIRE(heredoc.file_descriptor == 3);
    REQUIRE(heredoc.name == "EOF");
}

TEST_CASE("a command may go on after a heredoc's marker") {
    auto instruction = parse_one("RUN python3 <<EOF > /out && true\nprint(1)\nEOF");
    REQUIRE(instruction.args == Strings{"python3 <<EOF > /out && true"});
    REQUIRE(instruction.heredocs.size() == 1);
}

TEST_CASE("heredocs mix with other sources") {
    auto instruction = parse_one("COPY a <<EOF b /d/\nx\nEOF");
    REQUIRE(instruction.args == Strings{"a", "b", "/d/"});
    REQUIRE(instruction.heredocs.size() == 1);
}

TEST_CASE("an empty heredoc is empty") { REQUIRE(parse_one("COPY <<EOF /f\nEOF").heredocs[0].contents.empty()); }

TEST_CASE("carriage returns in a heredoc are kept, those at its delimiter are not needed") {
    REQUIRE(parse_one("COPY <<EOF /f\r\na\r\nEOF\r\n").heredocs[0].contents == "a\r\n");
}

TEST_CASE("two less-than signs that begin no heredoc are a command's own") {
    for (const char* command :
         {"RUN echo $((1 << 2))", "RUN cat <<< word", "RUN echo a<<b", "RUN echo \"<<EOF\"", "CMD a <<EOF"}) {
        CHECK(parse_one(command).heredocs.empty());
    }
}

TEST_CASE("the exec form has no heredocs") { REQUIRE(parse_one("RUN [\"cat\", \"<<EOF\"]").heredocs.empty()); }

TEST_CASE("a heredoc in quotes in COPY's JSON form is a file's name") {
    auto instruction = parse_one("COPY [\"<<EOF\", \"/d\"]");
    REQUIRE(instruction.heredocs.empty());
    REQUIRE(instruction.args == Strings{"<<EOF", "/d"});
}

TEST_CASE("a heredoc that is not ended is an error at its marker") {
    auto error = failure_of("RUN cat <<EOF\nx\n");
    REQUIRE(error.message == "the heredoc \"EOF\" is not ended");
    REQUIRE(error.hint == "add a line that holds only EOF");
    REQUIRE(error.line == 2);
    REQUIRE(error.marked() == "<<");
}

TEST_CASE("a heredoc cannot be a destination") {
    auto error = failure_of("COPY a <<EOF\nx\nEOF");
    REQUIRE(error.message == "COPY cannot have a heredoc as its destination");
    REQUIRE(error.marked() == "<<EOF");
}

TEST_CASE("a heredoc of a trigger belongs to ONBUILD") {
    auto instruction = parse_one("ONBUILD RUN <<EOF\na\nEOF\n");
    REQUIRE(instruction.heredocs.size() == 1);
    REQUIRE(instruction.args == Strings{"RUN <<EOF\na\nEOF"});
}

TEST_CASE("ADD takes heredocs") { REQUIRE(parse_one("ADD <<f /x\nhi\nf").heredocs[0].contents == "hi\n"); }
