#include "deflate/match_finder.h"

#include <string>
#include <utility>
#include <vector>

#include "samples.h"
#include "support/catch.h"

using namespace gbuild::deflate;
using namespace gbuild::deflate::samples;

namespace {

std::vector<Match> matches_of(MatchFinder& finder, const std::string& text) {
    const std::string padded = text + std::string(HashChains::readable_behind, '\0');
    const auto matches = finder.find(as_bytes(padded).data(), static_cast<uint32_t>(text.size()));
    return {matches.begin(), matches.end()};
}

void check_true(const std::string& text, const std::vector<Match>& matches) {
    uint32_t end = 0;
    for (const Match& match : matches) {
        REQUIRE(match.position >= end);
        REQUIRE(match.length >= shortest_match);
        REQUIRE(match.length <= longest_match);
        REQUIRE(match.distance >= 1);
        REQUIRE(match.distance <= match.position);
        end = match.position + match.length;
        REQUIRE(end <= text.size());
        for (uint32_t i = match.position; i < end; i++) REQUIRE(text[i] == text[i - match.distance]);
    }
}

}  // namespace

TEST_CASE("each match is one") {
    for (const Effort& effort : {Effort{2, 16, 0}, Effort{20, 64, 1}, Effort{600, longest_match, 2}}) {
        MatchFinder finder(effort);
        for (const std::string& text :
             {std::string(), std::string("a"), std::string(1000, 'a'), prose(100'000, 1), binary(100'000, 2),
              noise(100'000, 3, 3), prose(300, 4) + noise(32'768, 5) + prose(300, 4)}) {
            CAPTURE(effort.depth, text.size());
            check_true(text, matches_of(finder, text));
        }
    }
}

TEST_CASE("an earlier text is not seen through its traces") {
    MatchFinder finder({20, 64, 1});
    const std::string text = noise(2000, 6);
    CHECK(matches_of(finder, text).size() < 10);
    CHECK(matches_of(finder, text).size() < 10);
}

TEST_CASE("a repetition is found as far back as a window less one, and no farther") {
    for (const auto& [gap, found] : {std::pair{window_size - 1, true}, std::pair{window_size, false}}) {
        CAPTURE(gap);
        MatchFinder finder({20, 64, 1});
        const std::string needle = noise(100, 7);
        bool seen = false;
        for (const Match& match : matches_of(finder, needle + noise(gap - 100, 8) + needle)) {
            seen = seen || match.distance == gap;
        }
        CHECK(seen == found);
    }
}

TEST_CASE("a longer match one byte later is waited for") {
    MatchFinder eager({20, 64, 0}), patient({20, 64, 1});
    const std::string text = "abcd" + noise(50, 9) + "bcdefghijkl" + noise(50, 10) + "abcdefghijkl" + noise(20, 11);
    const auto longest = [](const std::vector<Match>& matches) {
        uint32_t length = 0;
        for (const Match& match : matches) length = std::max<uint32_t>(length, match.length);
        return length;
    };
    CHECK(longest(matches_of(eager, text)) < 11);
    CHECK(longest(matches_of(patient, text)) == 11);
}
