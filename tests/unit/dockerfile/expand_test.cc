#include <map>

#include "gbuild/base/error.h"
#include "gbuild/dockerfile/expand.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

using Strings = std::vector<std::string>;

Expander expander(char escape = '\\', Strings* unset = nullptr) {
    static const std::map<std::string, std::string, std::less<>> values = {{"x", "value"},
                                                                           {"empty", ""},
                                                                           {"two", "a b"},
                                                                           {"path", "/usr/lib/x.tar.gz"},
                                                                           {"glob", "a***yy*"},
                                                                           {"utf", "äöü"},
                                                                           {"special", "()[]{}^$.*?|\\x"},
                                                                           {"stars", "/foo*/*/*.txt"},
                                                                           {"p", "\\*/"},
                                                                           {"quote", "\"q\""}};
    Lookup lookup = [](std::string_view name) -> std::optional<std::string> {
        auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
    return {lookup, escape, unset};
}

std::string word(std::string_view text) { return expander().word(text); }
Strings words(std::string_view text) { return expander().words(text); }

std::string error_of(std::string_view text) {
    try {
        return "no error: " + word(text);
    } catch (const Error& error) {
        return error.message();
    }
}

}  // namespace

TEST_CASE("plain text stays") { REQUIRE(word("a b=c/d") == "a b=c/d"); }

TEST_CASE("variables with and without braces") {
    CHECK(word("$x") == "value");
    CHECK(word("a${x}b") == "avalueb");
    CHECK(word("$x/$x") == "value/value");
    CHECK(word("$x-y") == "value-y");
    CHECK(word("${xy}") == "");
}

TEST_CASE("a name ends where a name's characters end") {
    CHECK(word("$x.y") == "value.y");
    CHECK(word("$x€") == "value€");
    CHECK(word("$x한") == "");  // L-10: letters and digits of any script
    CHECK(word("$x٣") == "");
    CHECK(word("$٣x") == "x");
    CHECK(word("$x\u0301") == "value\u0301");
    CHECK(word("$x\xED") == "value\xED");
    CHECK(word("${x한:-none}") == "none");
    CHECK(word("$1x") == "x");
    CHECK(word("$?x") == "x");
}

TEST_CASE("a dollar sign without a name is itself") {
    CHECK(word("$") == "$");
    CHECK(word("a$ b") == "a$ b");
    CHECK(word("$.") == "$.");
}

TEST_CASE("an escaped dollar sign is itself") {
    CHECK(word("\\$x") == "$x");
    CHECK(word("\\${x}") == "${x}");
    CHECK(word("\"\\$x\"") == "$x");
}

TEST_CASE("escapes outside quotes take the next character") {
    CHECK(word("a\\ b") == "a b");
    CHECK(word("\\a\\\\") == "a\\");
    CHECK(word("a\\") == "a");
}

TEST_CASE("single quotes are literal") {
    CHECK(word("'$x \\ \"'") == "$x \\ \"");
    CHECK(word("a'b'c") == "abc");
    CHECK(word("''") == "");
}

TEST_CASE("double quotes expand, and escape only what is special in them") {
    CHECK(word("\"a $x\"") == "a value");
    CHECK(word("\"\\\"\\\\\"") == "\"\\");
    CHECK(word("\"\\n\"") == "\\n");
    CHECK(word("\"it's\"") == "it's");
}

TEST_CASE("quotes in values are characters like others") { REQUIRE(word("$quote") == "\"q\""); }

TEST_CASE("another escape character") {
    auto other = expander('`');
    CHECK(other.word("`$x") == "$x");
    CHECK(other.word("\\$x") == "\\value");
    CHECK(other.word("\"``\"") == "`");
}

TEST_CASE("defaults") {
    CHECK(word("${x:-d}") == "value");
    CHECK(word("${empty:-d}") == "d");
    CHECK(word("${empty-d}") == "");
    CHECK(word("${none:-d}") == "d");
    CHECK(word("${none-d}") == "d");
    CHECK(word("${none:-}") == "");
}

TEST_CASE("alternatives") {
    CHECK(word("${x:+a}") == "a");
    CHECK(word("${x+a}") == "a");
    CHECK(word("${empty:+a}") == "");
    CHECK(word("${empty+a}") == "a");
    CHECK(word("${none:+a}") == "");
    CHECK(word("${none+a}") == "");
}

TEST_CASE("required values") {
    CHECK(word("${x:?m}") == "value");
    CHECK(word("${empty?m}") == "");
    CHECK(error_of("${empty:?is missing}") == "empty: is missing");
    CHECK(error_of("${none?give $x}") == "none: give value");
    CHECK(error_of("${none:?}") == "none: is not allowed to be unset");
    CHECK(error_of("${empty:?}") == "empty: is not allowed to be empty");
}

TEST_CASE("the hint for a required value says how to set it") {
    try {
        word("${none?}");
        FAIL("no error");
    } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::dockerfile);
        REQUIRE(error.hint() == "set it with --build-arg none=VALUE, ARG or ENV");
    }
}

TEST_CASE("words in modifiers expand and nest") {
    CHECK(word("${none:-$x}") == "value");
    CHECK(word("${none:-${empty:-${x}}}!") == "value!");
    CHECK(word("${x:+-${x}}") == "-value");
    CHECK(word("${none:-\"}\"}") == "}");
    CHECK(word("${none:-'$x'}") == "$x");
    CHECK(word("${none:-a\\}b}") == "a}b");
}

TEST_CASE("prefixes are cut") {
    CHECK(word("${path#*/}") == "usr/lib/x.tar.gz");
    CHECK(word("${path##*/}") == "x.tar.gz");
    CHECK(word("${path#/usr}") == "/lib/x.tar.gz");
    CHECK(word("${path#usr}") == "/usr/lib/x.tar.gz");
    CHECK(word("${x#?}") == "alue");
    CHECK(word("${x#}") == "value");
    CHECK(word("${x##}") == "value");
}

TEST_CASE("suffixes are cut") {
    CHECK(word("${path%.*}") == "/usr/lib/x.tar");
    CHECK(word("${path%%.*}") == "/usr/lib/x");
    CHECK(word("${path%.gz}") == "/usr/lib/x.tar");
    CHECK(word("${path%x}") == "/usr/lib/x.tar.gz");
    CHECK(word("${x%%}") == "value");
}

TEST_CASE("the shortest and the longest match differ") {
    CHECK(word("${glob%\\**}") == "a***yy");
    CHECK(word("${glob%%\\**}") == "a");
    CHECK(word("${glob%%\\**\\*}") == "a");
    CHECK(word("${path#*x*r}") == ".gz");
}

TEST_CASE("escaped characters in patterns are literal") {
    CHECK(word("${special#()[]{\\}^$.\\*\\?|\\\\}") == "x");
    CHECK(word("${special%\\\\x}") == "()[]{}^$.*?|");
}

TEST_CASE("a question mark in a pattern is one character, not one byte") {
    CHECK(word("${utf#?}") == "öü");
    CHECK(word("${utf%?}") == "äö");
    CHECK(word("${utf/?/x}") == "xöü");
}

TEST_CASE("replacement of the first match and of all") {
    CHECK(word("${path/\\//-}") == "-usr/lib/x.tar.gz");
    CHECK(word("${path//\\//-}") == "-usr-lib-x.tar.gz");
    CHECK(word("${path/.*/}") == "/usr/lib/x");
    CHECK(word("${stars/$p/.} - ${stars//$p/.}") == "/foo.*/*.txt - /foo..*.txt");
    CHECK(word("${x//v/}") == "alue");
    CHECK(word("${x/nothing/y}") == "value");
}

TEST_CASE("escapes in a replacement are kept") { REQUIRE(word("${path//\\//\\/}") == "\\/usr\\/lib\\/x.tar.gz"); }

TEST_CASE("an empty pattern matches before every character") {
    CHECK(word("${x/$empty/w}") == "wvalue");
    CHECK(word("${x///}") == "value");
    CHECK(word("${x//$empty/-}") == "-v-a-l-u-e-");
    CHECK(word("${x//*/-}") == "-");
}

TEST_CASE("words are split after expansion, outside quotes") {
    CHECK(words("a  b") == Strings{"a", "b"});
    CHECK(words("$two c") == Strings{"a", "b", "c"});
    CHECK(words("\"$two\" c") == Strings{"a b", "c"});
    CHECK(words("'a b'c") == Strings{"a bc"});
    CHECK(words("a\\ b") == Strings{"a b"});
    CHECK(words("$empty").empty());
    CHECK(words("  ").empty());
    CHECK(words("80$two") == Strings{"80a", "b"});
}

TEST_CASE("a word is not split") { REQUIRE(word("$two  c") == "a b  c"); }

TEST_CASE("a heredoc expands variables and leaves quotes") {
    auto heredoc = [](std::string_view text) { return expander('`').heredoc(text); };
    CHECK(heredoc("\"$x\" '$x'\n") == "\"value\" 'value'\n");
    CHECK(heredoc("\\$x ${none:-d}\n") == "$x d\n");
    CHECK(heredoc("\\\\\n") == "\\\n");
    CHECK(heredoc("\\\n") == "\n");
    CHECK(heredoc("`$x\n") == "`value\n");
}

TEST_CASE("malformed expressions") {
    CHECK(error_of("${x") == "a \"${\" is not closed");
    CHECK(error_of("${") == "a \"${\" is not closed");
    CHECK(error_of("${x:") == "a \"${\" is not closed");
    CHECK(error_of("${x:-a") == "a \"${\" is not closed");
    CHECK(error_of("${}") == "a \"${\" has no name after it");
    CHECK(error_of("${{x}}") == "a \"${\" has no name after it");
    CHECK(error_of("${:x}") == "a \"${\" has no name after it");
    CHECK(error_of("${x=a}") == "${x…} cannot have \"=\" after the name");
    CHECK(error_of("${x:=a}") == "${x…} cannot have \":=\" after the name");
    CHECK(error_of("${x//a}") == "a \"/\" is missing in \"${…}\"");
    CHECK(error_of("${x/a/b") == "a \"${\" is not closed");
    CHECK(error_of("'a") == "a single quote is not closed");
    CHECK(error_of("\"a") == "a double quote is not closed");
    CHECK(error_of("${x#\\a}") == "the pattern \"\\\\a\" has a misplaced \"\\\"");
}

TEST_CASE("names that are not set are reported") {
    Strings unset;
    expander('\\', &unset).word("$x $nope ${nada} ${gone#a}");
    REQUIRE(unset == Strings{"nope", "nada", "gone"});
}

TEST_CASE("names with a default or an alternative are not reported") {
    Strings unset;
    expander('\\', &unset).word("${a:-b} ${c-d} ${e:+f} ${g+h}");
    REQUIRE(unset.empty());
}

TEST_CASE("deep nesting is refused, not followed") {
    std::string text;
    for (int i = 0; i < 100'000; i++) text += "${n:-";
    REQUIRE(error_of(text) == "variables are nested too deeply");
}

TEST_CASE("an expansion that grows too large is refused") {
    Expander large{[](std::string_view) { return std::string(600'000, 'a'); }};
    REQUIRE(large.word("$x").size() == 600'000);
    REQUIRE_THROWS_WITH(large.word("$x$x"), ContainsSubstring("expands to more than"));
}

TEST_CASE("a pattern of many stars takes no exponential time") {
    std::string stars;
    for (int i = 0; i < 200; i++) stars += "*a";
    Expander letters{[](std::string_view) { return std::string(20'000, 'a'); }};
    CHECK(letters.word("${v##" + stars + "b}").size() == 20'000);
    CHECK(letters.word("${v//" + stars + "b/x}").size() == 20'000);
    CHECK(letters.word("${v%%" + stars + "}").empty());
}

TEST_CASE("a pattern and a value that are too large together are refused") {
    Expander letters{[](std::string_view) { return std::string(1'000'000, 'a'); }};
    REQUIRE_THROWS_WITH(letters.word("${v#" + std::string(1000, 'a') + "}"), ContainsSubstring("too large together"));
}
