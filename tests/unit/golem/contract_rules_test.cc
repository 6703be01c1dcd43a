#include "gbuild/golem/contract_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "support/catch.h"

using gbuild::golem::contract_rule;
using gbuild::golem::contract_rules;
using gbuild::golem::contract_warning;
using gbuild::golem::ContractRule;
using gbuild::golem::Weight;

namespace {

std::string on_one_line(const std::string& text) {
    std::vector<std::string> words;
    std::string spaced = text;
    std::replace(spaced.begin(), spaced.end(), '\n', ' ');
    for (std::string& word : gbuild::split(spaced, ' ')) {
        if (!word.empty()) words.push_back(std::move(word));
    }
    return gbuild::join(words, " ");
}

std::string weight_name(Weight weight) {
    if (weight == Weight::note) return "note";
    return weight == Weight::warning ? "warning" : "error";
}

}  // namespace

TEST_CASE("rules of the contract are sorted, and each has all its texts") {
    const auto rules = contract_rules();
    CHECK(std::is_sorted(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.id < b.id; }));
    for (const ContractRule& rule : rules) {
        CAPTURE(rule.id);
        for (std::string_view text : {rule.meaning, rule.vm, rule.runtimes, rule.remedy}) {
            CHECK_FALSE(text.empty());
            CHECK_FALSE(text.ends_with('.'));
        }
    }
}

TEST_CASE("docs/golem.md says what the rules say, and of no others") {
    const std::string document = gbuild::read_text_file(GBUILD_TESTDATA "/../docs/golem.md", 1 << 20);
    const std::string text = on_one_line(document);
    for (const ContractRule& rule : contract_rules()) {
        CAPTURE(rule.id);
        CHECK_THAT(text, ContainsSubstring(fmt::format("- **{}** ({}; runtimes: {}): {}. In the VM: {}. Remedy: {}.",
                                                       rule.id, weight_name(rule.weight), rule.runtimes, rule.meaning,
                                                       rule.vm, rule.remedy)));
    }
    size_t listed = 0;
    for (size_t at = text.find("; runtimes: "); at != std::string::npos; at = text.find("; runtimes: ", at + 1))
        listed++;
    CHECK(listed == contract_rules().size());
}

TEST_CASE("docs/golem.md explains a failed start (G-10)") {
    const std::string text = on_one_line(gbuild::read_text_file(GBUILD_TESTDATA "/../docs/golem.md", 1 << 20));
    for (const char* cause : {"**exit code 9 without any output**", "**The program is not there**",
                              "**The working directory is not there**"}) {
        CHECK_THAT(text, ContainsSubstring(cause));
    }
}

TEST_CASE("a warning says what was found, what the VM does and what to do") {
    const gbuild::Warning warning = contract_warning("no-volume", "the image has no volume");
    CHECK(warning.id == "no-volume");
    CHECK(warning.message == "the image has no volume: no file can be sent to it or fetched from it");
    CHECK(warning.hint == contract_rule("no-volume").remedy);
    CHECK(contract_warning("entrypoint-no-slash", "x", "write \"/x\"").hint == "write \"/x\"");
    CHECK_THROWS_AS(contract_rule("no-such-rule"), gbuild::Error);
}
