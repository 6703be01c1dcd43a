// One deflate block for a stretch of text, in the cheapest of the format's three ways.
#pragma once

#include "bit_writer.h"
#include "block_splitter.h"

namespace gbuild::deflate {

// Writes the stretch as one block; as several when it is stored and longer than a stored block can be. Of ways that
// take equally many bits the earliest is taken: dynamic codes, fixed codes, stored. `last`: the stream ends with it.
void write_block(const MatchedText& text, const Stretch& stretch, bool last, BitWriter& out);

}  // namespace gbuild::deflate
