#include "gbuild/base/error.h"
#include "gbuild/dockerfile/ignore.h"
#include "gbuild/dockerfile/pattern.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

bool whole(std::string_view pattern, std::string_view path) { return match_pattern(pattern, path); }
bool parents(std::string_view pattern, std::string_view path) { return Pattern(pattern).matches_path_or_parent(path); }

std::string refusal_of(std::string_view pattern) {
    try {
        Pattern{pattern};
    } catch (const Error& error) {
        return error.message();
    }
    return "no error";
}

}  // namespace

TEST_CASE("a plain pattern is the path") {
    CHECK(whole("a/b", "a/b"));
    CHECK_FALSE(whole("a/b", "a/bc"));
    CHECK_FALSE(whole("a/b", "a"));
    CHECK(whole("a.|)$(}+{bc^", "a.|)$(}+{bc^"));
}

TEST_CASE("one star stays within a name") {
    CHECK(whole("*", "abc"));
    CHECK(whole("*", ""));
    CHECK(whole("*c", "abc"));
    CHECK(whole("a*", "a"));
    CHECK_FALSE(whole("a*", "ab/c"));
    CHECK(whole("a*/b", "abc/b"));
    CHECK_FALSE(whole("a*/b", "a/c/b"));
    CHECK(whole("*x", "xxx"));
    CHECK(whole(".*", ".foo"));
    CHECK_FALSE(whole(".*", "foo"));
}

TEST_CASE("several stars find a way") {
    CHECK(whole("a*b*c*d*e*/f", "axbxcxdxexxx/f"));
    CHECK_FALSE(whole("a*b*c*d*e*/f", "axbxcxdxe/xxx/f"));
    CHECK(whole("a*b?c*x", "abxbbxdbxebxczzx"));
    CHECK_FALSE(whole("a*b?c*x", "abxbbxdbxebxczzy"));
}

TEST_CASE("a question mark is one character of a name") {
    CHECK(whole("a?b", "axb"));
    CHECK(whole("a?b", "a☺b"));
    CHECK_FALSE(whole("a???b", "a☺b"));
    CHECK_FALSE(whole("a?b", "a/b"));
    CHECK_FALSE(whole("a?b", "ab"));
}

TEST_CASE("classes") {
    CHECK(whole("ab[c]", "abc"));
    CHECK(whole("ab[b-d]", "abc"));
    CHECK_FALSE(whole("ab[e-g]", "abc"));
    CHECK_FALSE(whole("ab[^c]", "abc"));
    CHECK(whole("ab[^e-g]", "abc"));
    CHECK(whole("[a-ζ]*", "α"));
    CHECK(whole("[\\]a]", "]"));
    CHECK(whole("[\\-x]", "-"));
    CHECK_FALSE(whole("[x\\-]", "z"));
    CHECK(whole("[ab][0-9x]", "bx"));
}

TEST_CASE("a backslash makes the next character plain") {
    CHECK(whole("a\\*b", "a*b"));
    CHECK_FALSE(whole("a\\*b", "axb"));
    CHECK(whole("a\\\\", "a\\"));
    CHECK(whole("\\a", "a"));
}

TEST_CASE("two stars at the start are any directories, none included") {
    CHECK(whole("**/foo", "foo"));
    CHECK(whole("**/foo", "a/b/foo"));
    CHECK_FALSE(whole("**/foo", "afoo"));
    CHECK_FALSE(whole("**/.foo", "bar.foo"));
    CHECK(whole("**/foo/bar", "a/foo/bar"));
    CHECK(whole("**/*.txt", "file.txt"));
    CHECK(whole("**/**/*.txt", "a/b/file.txt"));
    CHECK_FALSE(whole("**/**/*.txt2", "a/b/file.txt"));
    CHECK(whole("**/file*txt", "a/b/file.txt"));
}

TEST_CASE("two stars alone match everything") {
    CHECK(whole("**", "a"));
    CHECK(whole("**", "a/b/c"));
    CHECK(whole("**/**", "a/b"));
}

TEST_CASE("two stars in front of plain text are any beginning") {
    CHECK(whole("**file", "file"));
    CHECK(whole("**file", "a/b/file"));
    CHECK(whole("**file", "a/myfile"));
}

TEST_CASE("two stars at the end are anything below") {
    CHECK(whole("abc/**", "abc/def/ghi"));
    CHECK_FALSE(whole("abc/**", "abc"));
    CHECK(whole("**/dir2/**", "dir/dir2/dir3/file"));
    CHECK(whole("a/*.txt**", "a/file.txt"));
}

TEST_CASE("two stars in the middle are any directories") {
    CHECK(whole("a/**/b", "a/b"));
    CHECK(whole("a/**/b", "a/x/y/b"));
    CHECK_FALSE(whole("a/**/b", "a/xb"));
    CHECK(whole("a**/*.txt", "a/file.txt"));
    CHECK(whole("a**/*.txt", "a/dir/dir/file.txt"));
    CHECK(whole("a**/b", "axyz/c/b"));
}

TEST_CASE("a pattern that matches a parent matches what is below") {
    CHECK(parents("dir", "dir/a/b"));
    CHECK(parents("**/dir", "x/dir/file"));
    CHECK(parents("*", "a/b/c"));
    CHECK(parents("d?r", "dir/a"));
    CHECK_FALSE(parents("dir", "directory/a"));
    CHECK_FALSE(parents("a/*.txt", "a/dir/file.txt"));
    CHECK(parents("a/b", "a/b"));
}

TEST_CASE("bytes that are no UTF-8 are characters of their own") {
    CHECK(whole("a?b", "a\xFF"
                       "b"));
    CHECK(whole("*\xFF", "x\xFF"));
    CHECK_FALSE(whole("*\xFF", "x\xFE"));
}

TEST_CASE("malformed patterns") {
    for (const char* pattern :
         {"[", "[a", "[^", "[^bc", "a[", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "\\", "a*\\", "[b-a]"}) {
        CHECK_THAT(refusal_of(pattern), ContainsSubstring("the pattern is malformed"));
    }
}

TEST_CASE("malformed patterns say how") {
    CHECK(refusal_of("a[b") == "the pattern is malformed: a \"[\" is not closed");
    CHECK(refusal_of("[-x]") == "the pattern is malformed: \"-\" in a class needs a \"\\\" before it");
    CHECK(refusal_of("[z-a]") == "the pattern is malformed: a range in a class runs backwards");
    CHECK(refusal_of("a*\\") == "the pattern is malformed: it ends in a \"\\\"");
}

TEST_CASE("a .dockerignore pattern of many stars takes no exponential time") {
    std::string pattern, path(4000, 'a');
    for (int i = 0; i < 500; i++) pattern += "**/*a";
    CHECK_FALSE(whole(pattern + "b", path));
    CHECK_FALSE(parents(pattern + "b", path));
}

TEST_CASE("a pattern has a greatest length") {
    CHECK(refusal_of(std::string(4096, '*')) == "no error");
    CHECK(refusal_of(std::string(4097, '*')) == "a pattern is longer than 4096 bytes");
}

// .dockerignore

namespace {

bool excluded(std::string_view text, std::string_view path) {
    return IgnoreRules::parse(text, ".dockerignore").excluded(path);
}

}  // namespace

TEST_CASE("no rules exclude nothing") {
    CHECK_FALSE(IgnoreRules().excluded("a"));
    CHECK(IgnoreRules().empty());
    CHECK(IgnoreRules::parse("", "f").empty());
}

TEST_CASE("an ignored directory takes what is in it along") {
    CHECK(excluded("docs\n", "docs"));
    CHECK(excluded("docs\n", "docs/a/b"));
    CHECK(excluded("docs/\n", "docs/a"));
    CHECK_FALSE(excluded("docs\n", "src/docs"));
}

TEST_CASE("the last rule that matches wins") {
    CHECK_FALSE(excluded("*.md\n!README.md\n", "README.md"));
    CHECK(excluded("!README.md\n*.md\n", "README.md"));
    CHECK(excluded("*.md\n!README*.md\nREADME-secret.md\n", "README-secret.md"));
    CHECK_FALSE(excluded("docs\n!docs/README.md\n", "docs/README.md"));
    CHECK(excluded("docs\n!docs/README.md\n", "docs/other.md"));
}

TEST_CASE("a negated directory takes back what is in it") {
    CHECK_FALSE(excluded("**\n!src\n", "src/a/b"));
    CHECK(excluded("**\n!src\n", "other"));
    CHECK(excluded("**\n!src\nsrc/a/b\n", "src/a/b"));
}

TEST_CASE("leading slashes, dots and white space make no difference") {
    CHECK(excluded("/a\n", "a"));
    CHECK(excluded("./a\n", "a"));
    CHECK(excluded("  a/  \n", "a"));
    CHECK(excluded("x/../a\n", "a"));
    CHECK_FALSE(excluded("*\n! /a\n", "a"));
    CHECK(excluded("a\r\nb\r\n", "a"));
}

TEST_CASE("comments begin in the first column only") {
    CHECK_FALSE(excluded("#a\n", "#a"));
    CHECK(excluded(" #a\n", "#a"));
}

TEST_CASE("a byte order mark of an ignore file is stripped") {
    CHECK(excluded("\xEF\xBB\xBF"
                   "a\n",
                   "a"));
}

TEST_CASE("a last rule without a line end counts") { CHECK(excluded("x\na", "a")); }

TEST_CASE("the context itself is never excluded") {
    CHECK_FALSE(excluded("*\n.\n**\n", "."));
    CHECK_FALSE(excluded("*\n", ""));
}

TEST_CASE("rules say whether something may be taken back") {
    CHECK(IgnoreRules::parse("a\n!b\n", "f").may_reinclude());
    CHECK_FALSE(IgnoreRules::parse("a\n", "f").may_reinclude());
}

TEST_CASE("the lines of an ignore file are cleaned and numbered") {
    auto lines = read_ignore_file("test1\n/test2\n/a/file/here\n\nlastfile\n# comment\n! /inverted/abs/path\n!\n! ");
    REQUIRE(lines.size() == 7);
    CHECK(lines[1].pattern == "test2");
    CHECK(lines[2].pattern == "a/file/here");
    CHECK(lines[3].line == 5);
    CHECK(lines[4].pattern == "!inverted/abs/path");
    CHECK(lines[5].pattern == "!");
}

TEST_CASE("a malformed rule is an error at its line") {
    try {
        IgnoreRules::parse("a\n\nb[\n", "ctx/.dockerignore");
        FAIL("no error");
    } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::dockerfile);
        REQUIRE(error.span()->file == "ctx/.dockerignore");
        REQUIRE(error.span()->line == 3);
        REQUIRE(error.span()->source == "b[");
    }
}

TEST_CASE("an exclamation mark alone is an error") {
    REQUIRE_THROWS_WITH(IgnoreRules::parse("!\n", "f"), ContainsSubstring("\"!\" stands alone"));
}

TEST_CASE("patterns of --exclude are the same language") {
    auto rules = IgnoreRules::from_patterns({"*.o", "!keep.o", "/sub/"});
    CHECK(rules.excluded("a.o"));
    CHECK_FALSE(rules.excluded("keep.o"));
    CHECK(rules.excluded("sub/x"));
}

TEST_CASE("a dot component is kept apart from a name that begins with one") {
    CHECK(excluded(".git\n", ".git/config"));
    CHECK_FALSE(excluded(".git\n", ".gitignore"));
}

TEST_CASE("too many patterns are refused") {
    std::string text;
    for (int i = 0; i < 100'001; i++) text += "a\n";
    REQUIRE_THROWS_WITH(read_ignore_file(text), ContainsSubstring("more than 100000 patterns"));
}
