#include "deflate/huffman.h"

#include <algorithm>
#include <vector>

#include "samples.h"
#include "support/catch.h"

using namespace gbuild::deflate;
using gbuild::deflate::samples::Random;

namespace {

std::vector<uint8_t> lengths_for(const std::vector<uint32_t>& frequencies, unsigned limit) {
    std::vector<uint8_t> lengths(frequencies.size());
    code_lengths(frequencies, limit, lengths);
    return lengths;
}

// 1 for a complete code, in units of 2^-longest_code.
uint32_t kraft_sum(const std::vector<uint8_t>& lengths) {
    uint32_t sum = 0;
    for (const uint8_t length : lengths) sum += length > 0 ? 1u << (longest_code - length) : 0;
    return sum;
}

}  // namespace

TEST_CASE("a known code") {
    CHECK(lengths_for({1, 1, 2, 4, 8}, 15) == std::vector<uint8_t>{4, 4, 3, 2, 1});
    CHECK(lengths_for({5, 5, 5, 5}, 15) == std::vector<uint8_t>{2, 2, 2, 2});
}

TEST_CASE("fewer than two symbols get a complete code all the same") {
    CHECK(lengths_for({0, 0, 0}, 15) == std::vector<uint8_t>{1, 1, 0});
    CHECK(lengths_for({7, 0, 0}, 15) == std::vector<uint8_t>{1, 1, 0});
    CHECK(lengths_for({0, 0, 7}, 15) == std::vector<uint8_t>{1, 0, 1});
}

TEST_CASE("codes are complete, within the limit, and longer only for rarer symbols") {
    Random random(1);
    for (int round = 0; round < 2000; round++) {
        std::vector<uint32_t> frequencies(2 + random.below(285));
        const bool steep = random.below(2) == 0;
        uint32_t weight = 1;
        for (uint32_t& frequency : frequencies) {
            frequency = random.below(5) == 0 ? 0 : 1 + (steep ? weight : random.below(1000));
            weight = std::min(weight + weight / 2 + 1, 20'000u);
        }
        unsigned limit = 9 + random.below(7);
        CAPTURE(round, frequencies.size(), limit);
        const auto lengths = lengths_for(frequencies, limit);
        CHECK(kraft_sum(lengths) == 1u << longest_code);
        for (size_t i = 0; i < lengths.size(); i++) {
            CHECK(lengths[i] <= limit);
            for (size_t j = 0; j < i && frequencies[i] > 0; j++) {
                if (frequencies[j] > frequencies[i]) CHECK(lengths[j] <= lengths[i]);
            }
        }
    }
}

TEST_CASE("frequencies like Fibonacci's numbers reach every limit") {
    std::vector<uint32_t> frequencies{1, 1};
    while (frequencies.size() < 28) frequencies.push_back(frequencies.back() + frequencies[frequencies.size() - 2]);
    for (unsigned limit = 5; limit <= longest_code; limit++) {
        CAPTURE(limit);
        const auto lengths = lengths_for(frequencies, limit);
        CHECK(*std::max_element(lengths.begin(), lengths.end()) == limit);
        CHECK(kraft_sum(lengths) == 1u << longest_code);
    }
}

TEST_CASE("canonical codes are those of the specification's example") {
    const std::vector<uint8_t> lengths{3, 3, 3, 3, 3, 2, 4, 4};
    std::vector<uint16_t> codes(lengths.size());
    canonical_codes(lengths, codes);
    // 010 011 100 101 110 00 1110 1111, each read backwards.
    CHECK(codes == std::vector<uint16_t>{0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111});
}
