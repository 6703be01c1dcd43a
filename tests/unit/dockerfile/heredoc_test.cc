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
    for (const char* delimiter : {"'EOF'", "\"EOF\"", "E\"O\"F"}) {
        auto heredoc = parse_one(std::string("RUN <<") + delimiter + "\nx\nEOF").heredocs[0];
        CHECK(heredoc.name == "EOF");
        CHECK_FALSE(heredoc.expand);
    }
}

TEST_CASE("an escape character in the delimiter does not turn expansion off") {
    auto heredoc = parse_one("COPY <<\\EOF /f\nx\nEOF").heredocs[0];
    CHECK(heredoc.name == "EOF");
    CHECK(heredoc.expand);
    CHECK(parse_one("RUN <<eo\\'f\nx\neo'f").heredocs[0].expand);
    CHECK_FALSE(parse_one("RUN <<'e'o\\'f\nx\neo'f").heredocs[0].expand);
}

TEST_CASE("blanks may stand between the operator and the delimiter (L-2)") {
    auto check = [](const std::string& line, const std::string& name, bool strip_tabs = false, bool expand = true) {
        CAPTURE(line);
        auto instruction = parse_one(line + "\n\tx\n" + name + "\nUSER a\n");
        REQUIRE(instruction.heredocs.size() == 1);
        CHECK(instruction.heredocs[0].name == name);
        CHECK(instruction.heredocs[0].contents == (strip_tabs ? "x\n" : "\tx\n"));
        CHECK(instruction.heredocs[0].strip_tabs == strip_tabs);
        CHECK(instruction.heredocs[0].expand == expand);
    };
    for (std::string before : {"RUN ", "RUN cat ", "RUN cat 3", "ONBUILD RUN cat "}) {
        for (std::string after : {"", " > /x", " | sh", "  "}) {
            check(before + "<< EOF" + after, "EOF");
            check(before + "<<  \t EOF" + after, "EOF");
            check(before + "<<- EOF" + after, "EOF", true);
            check(before + "<< -EOF" + after, "-EOF");
            check(before + "<<- -EOF" + after, "-EOF", true);
            check(before + "<< \"EOF\"" + after, "EOF", false, false);
            check(before + "<< 'E F'" + after, "E F", false, false);
            check(before + "<<-  'EOF'" + after, "EOF", true, false);
        }
    }
    for (std::string name : {"COPY ", "ADD ", "COPY --chmod=755 "}) {
        check(name + "<< EOF /x", "EOF");
        check(name + "<<- EOF /x", "EOF", true);
        check(name + "<< -EOF /x", "-EOF");
        check(name + "<< \"EOF\" /x", "EOF", false, false);
    }
}

TEST_CASE("several delimiters after blanks follow each other in order (L-2)") {
    auto run = parse_one("RUN cat << A <<B 3<< C\na\nA\nb\nB\nc\nC\nUSER x");
    REQUIRE(run.heredocs.size() == 3);
    CHECK(run.heredocs[0].contents == "a\n");
    CHECK(run.heredocs[1].contents == "b\n");
    CHECK(run.heredocs[2].contents == "c\n");
    CHECK(run.heredocs[2].file_descriptor == 3);
    auto copy = parse_one("COPY a << one b <<- two /d/\n1\none\n\t2\ntwo");
    CHECK(copy.args == Strings{"a", "b", "/d/"});
    REQUIRE(copy.heredocs.size() == 2);
    CHECK(copy.heredocs[1].contents == "2\n");
    CHECK(failure_of("COPY a << EOF\nx\nEOF").message == "COPY cannot have a heredoc as its destination");
}

TEST_CASE("a heredoc that is all of a RUN is a script") {
    for (const char* line :
         {"RUN <<EOF", "RUN << EOF", "RUN <<- EOF", "RUN <<'EOF'  ", "RUN 3<<EOF", "RUN --network=none <<EOF"}) {
        CAPTURE(line);
        CHECK(parse_one(std::string(line) + "\nx\nEOF").heredocs.at(0).is_script);
    }
    for (const char* line : {"RUN <<EOF sh", "RUN << EOF cat", "RUN cat <<EOF", "RUN <<EOF > /x"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_one(std::string(line) + "\nx\nEOF").heredocs.at(0).is_script);
    }
    CHECK_FALSE(parse_one("RUN <<A <<B\nA\nB").heredocs.at(0).is_script);
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

TEST_CASE("line ends that a heredoc takes over are warned of (S-14)") {
    for (const char* line : {"COPY <<EOF /f", "ADD <<- EOF /f", "RUN <<EOF", "RUN cat << EOF", "ONBUILD RUN <<EOF"}) {
        const auto file = parse_text("FROM scratch\r\n" + std::string(line) + "\r\na\r\nEOF\r\n");
        REQUIRE(file.warnings.size() == 1);
        CHECK(file.warnings[0].id == "heredoc-crlf");
        CHECK_THAT(file.warnings[0].message, ContainsSubstring("end in CR LF"));
        CHECK(file.warnings[0].span->line == 2);
    }
    CHECK(warning_ids("FROM scratch\r\nCOPY <<EOF /f\r\nEOF\r\n").empty());
    CHECK(warning_ids("FROM scratch\r\nRUN a\r\n").empty());
}

TEST_CASE("two less-than signs that begin no heredoc are a command's own") {
    for (const char* command :
         {"RUN echo $((1 << 2))", "RUN x=$(( (1 + 1) << 2 )) && echo $x", "RUN ((x << 2)) && ((y <<= 1))",
          "RUN echo $((1 <<2)) $((2 << (1 + 1)))", "RUN cat <<< word", "RUN cat <<<word", "RUN cat <<< \"a b\"",
          "RUN echo a<<b", "RUN echo \"<<EOF\"", "RUN echo \"<< EOF\"", "RUN echo '1 << 2'", "RUN cat <<",
          "CMD a <<EOF", "CMD a << EOF"}) {
        CAPTURE(command);
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
