// What a pack already holds, by content. Both tables stop growing at a fixed size, by a rule that looks at the contents
// alone, so that the pack's bytes do not depend on anything else.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "block_job.h"

namespace gbuild::pack {

// Where the end of a file, or a whole small file, is.
struct TailPlace {
    uint32_t fragment = 0;
    uint32_t offset = 0;
};

// Open addressing: this table has an entry for almost every file of a layer.
class TailTable {
  public:
    std::optional<TailPlace> find(const Sha256Sum& sum) const;
    // Precondition: find(sum) is nullopt.
    void add(const Sha256Sum& sum, TailPlace place);

  private:
    struct Slot {
        Sha256Sum sum{};
        TailPlace place{vacant, 0};
    };
    static constexpr uint32_t vacant = UINT32_MAX;
    size_t slot_of(const Sha256Sum& sum) const;
    void grow();
    std::vector<Slot> slots_;
    size_t used_ = 0;
};

// Block lists by their first block and length.
class HeadTable {
  public:
    // Lists of `count` blocks that begin with `first`; every one has its sums.
    std::vector<BlockList*> find(const Sha256Sum& first, uint64_t count) const;
    // Whether a list like this would be taken by add().
    bool has_room(const Sha256Sum& first, uint64_t count) const;
    void add(BlockList& list);

  private:
    std::unordered_map<Sha256Sum, std::vector<BlockList*>, Sha256SumHash> lists_;
    uint64_t sums_ = 0;
};

}  // namespace gbuild::pack
