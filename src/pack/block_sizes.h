// The on-disk sizes of a file's blocks, holes by runs: a file of nothing but holes has one entry, however large it is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/pack/pack.h"

namespace gbuild::pack {

class BlockSizes {
  public:
    // Not 0.
    void add(uint32_t size);
    // At most max_blocks_per_file in all.
    void add_holes(uint64_t count);
    // Leaves `count` blocks: without what is behind them, with holes for what is missing.
    void resize(uint64_t count);

    uint64_t count() const { return count_; }
    // Runs of holes have other blocks between them.
    std::span<const uint32_t> entries() const { return entries_; }

  private:
    std::vector<uint32_t> entries_;
    uint64_t count_ = 0;
};

// What a file's blocks hold, by their sums.
class BlockSums {
  public:
    void add(const Sha256Sum& sum) { sums_.push_back(sum); }
    void add_holes(uint64_t count);

    // How many holes there are from block `index` on.
    uint64_t holes_at(uint64_t index) const;
    // Whether block `index`, which is there, holds this.
    bool is(uint64_t index, const Sha256Sum& sum) const;
    const Sha256Sum& first() const;

  private:
    struct Holes {
        uint64_t first = 0, count = 0;
        uint64_t sums = 0;  // blocks with contents before them
    };
    // The last holes that begin at or before the block; null when there are none.
    const Holes* holes_before(uint64_t index) const;

    std::vector<Sha256Sum> sums_;
    std::vector<Holes> holes_;
};

}  // namespace gbuild::pack
