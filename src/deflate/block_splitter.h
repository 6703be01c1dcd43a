// Where one block ends and the next begins.
#pragma once

#include <cstdint>
#include <vector>

#include "gbuild/deflate/match.h"
#include "histogram.h"

namespace gbuild::deflate {

// One block: a run of bytes and of the matches that begin in it, with the frequencies of its symbols, the end's
// included.
struct Stretch {
    uint32_t begin, end;              // bytes
    uint32_t first_match, end_match;  // in MatchedText::matches
    Histogram histogram;
};

// Cuts the text into pieces of `piece_symbols` symbols, or a little more, and joins neighbours from the left for as
// long as one block costs no more than two. At least one stretch, also for no bytes. `stretches` is overwritten.
void split_into_blocks(const MatchedText& text, uint32_t piece_symbols, std::vector<Stretch>& stretches);

}  // namespace gbuild::deflate
