// Finds the matches of bytes that nobody has found any for.
#pragma once

#include <vector>

#include "hash_chains.h"

namespace gbuild::deflate {

struct Effort {
    unsigned depth;   // places of a chain that are looked at
    uint32_t enough;  // a match as long as this is taken at once
    unsigned ahead;   // how many positions later a better match is looked for: 0 to 2
};

class MatchFinder {
  public:
    explicit MatchFinder(const Effort& effort) : effort_(effort) {}

    // The matches of `length` bytes at `text`, which has HashChains::readable_behind zeros after them: valid until the
    // next call.
    std::span<const Match> find(const std::byte* text, uint32_t length);

  private:
    Effort effort_;
    HashChains::Tables tables_;
    std::vector<Match> matches_;
};

}  // namespace gbuild::deflate
