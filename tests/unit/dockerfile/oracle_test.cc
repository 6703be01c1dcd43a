// The matchers against slow ones that are plainly right.
#include <iterator>
#include <random>
#include <regex>

#include "gbuild/dockerfile/expand.h"
#include "gbuild/dockerfile/pattern.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::dockerfile;

namespace {

// moby's translation of a pattern into a regular expression.
std::string to_regex(const std::string& pattern) {
    std::string regex;
    for (size_t i = 0; i < pattern.size(); i++) {
        if (pattern.substr(i, 2) == "**") {
            i++;
            if (pattern.substr(i + 1, 1) == "/") i++;
            regex += i + 1 == pattern.size() ? ".*" : "(.*/)?";
        } else if (pattern[i] == '*') {
            regex += "[^/]*";
        } else if (pattern[i] == '?') {
            regex += "[^/]";
        } else {
            regex += pattern[i];
        }
    }
    return regex;
}

bool shell_match(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern[0] == '*') {
        return shell_match(pattern.substr(1), text) || (!text.empty() && shell_match(pattern, text.substr(1)));
    }
    return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
           shell_match(pattern.substr(1), text.substr(1));
}

std::string without_prefix(const std::string& pattern, const std::string& text, bool longest) {
    std::string result = text;
    for (size_t length = 0; length <= text.size(); length++) {
        if (!shell_match(pattern, text.substr(0, length))) continue;
        result = text.substr(length);
        if (!longest) break;
    }
    return result;
}

std::string without_suffix(const std::string& pattern, const std::string& text, bool longest) {
    std::string result = text;
    for (size_t length = 0; length <= text.size(); length++) {
        if (!shell_match(pattern, text.substr(text.size() - length))) continue;
        result = text.substr(0, text.size() - length);
        if (!longest) break;
    }
    return result;
}

std::string replaced_first(const std::string& pattern, const std::string& text) {
    for (size_t begin = 0; begin <= text.size(); begin++) {
        for (size_t length = text.size() - begin + 1; length-- > 0;) {
            if (!shell_match(pattern, text.substr(begin, length))) continue;
            return text.substr(0, begin) + "_" + text.substr(begin + length);
        }
    }
    return text;
}

template <class Random, size_t N>
std::string random_text(Random& random, const char* const (&pieces)[N], size_t longest) {
    std::string text;
    for (size_t i = random() % (longest + 1); i > 0; i--) text += pieces[random() % N];
    return text;
}

}  // namespace

TEST_CASE("patterns match what moby's regular expressions match") {
    std::mt19937 random(1);
    const char* const pieces[] = {"*", "**", "**/", "/", "a", "b", "?", "[ab]", "[^a]"};
    const char* const letters[] = {"a", "b", "/", "a/", "b/"};
    for (int round = 0; round < 2000; round++) {
        std::string pattern = random_text(random, pieces, 5);
        // "**" before plain text alone has a rule of its own, and an empty pattern is none.
        if (pattern.empty()) continue;
        if (pattern.substr(0, 2) == "**" && pattern.find_first_of("*?[", 2) == std::string::npos) continue;
        std::regex regex(to_regex(pattern));
        Pattern compiled(pattern);
        for (int i = 0; i < 20; i++) {
            std::string path = random_text(random, letters, 6);
            INFO(pattern << " on " << path);
            CHECK(compiled.matches(path) == std::regex_match(path, regex));
            bool either = std::regex_match(path, regex);
            for (size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
                either = either || std::regex_match(path.substr(0, at), regex);
            }
            CHECK(compiled.matches_path_or_parent(path) == either);
        }
    }
}

TEST_CASE("shell patterns cut and replace what trying every length finds") {
    std::mt19937 random(2);
    const char* const pieces[] = {"*", "?", "a", "b"};
    const char* const letters[] = {"a", "b", "c"};
    for (int round = 0; round < 3000; round++) {
        std::string pattern = random_text(random, pieces, 5);
        std::string text = random_text(random, letters, 7);
        Expander expander{[&](std::string_view name) { return name == "p" ? pattern : text; }};
        INFO(pattern << " on " << text);
        CHECK(expander.word("${v#$p}") == without_prefix(pattern, text, false));
        CHECK(expander.word("${v##$p}") == without_prefix(pattern, text, true));
        CHECK(expander.word("${v%$p}") == without_suffix(pattern, text, false));
        CHECK(expander.word("${v%%$p}") == without_suffix(pattern, text, true));
        CHECK(expander.word("${v/$p/_}") == replaced_first(pattern, text));
    }
}
