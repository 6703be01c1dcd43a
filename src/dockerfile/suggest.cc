
#include "gbuild/dockerfile/suggest.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::dockerfile {

namespace {

// A swap counts as two edits, which is too far for short words: "RNU".
std::optional<std::string> swapped(std::string_view word, std::span<const std::string> candidates) {
    for (size_t i = 0; i + 1 < word.size() && word.size() <= 32; i++) {
        std::string tried(word);
        std::swap(tried[i], tried[i + 1]);
        for (const std::string& candidate : candidates) {
            if (equal_ignoring_case(candidate, tried)) return candidate;
        }
    }
    return std::nullopt;
}

}  // namespace

std::string suggest(std::string_view word, std::span<const std::string> candidates, std::string_view prefix,
                    std::string otherwise) {
    auto found = swapped(word, candidates);
    if (!found) found = nearest(word, candidates);
    return found ? fmt::format("did you mean {}{}?", prefix, *found) : std::move(otherwise);
}

}  // namespace gbuild::dockerfile
