#include "block_sizes.h"

#include <algorithm>

namespace gbuild::pack {

void BlockSizes::add(uint32_t size) {
    entries_.push_back(size);
    count_++;
}

void BlockSizes::add_holes(uint64_t count) {
    if (count == 0) return;
    if (entries_.empty() || !is_hole(entries_.back())) entries_.push_back(hole_bit);
    entries_.back() += static_cast<uint32_t>(count);
    count_ += count;
}

void BlockSizes::resize(uint64_t count) {
    while (count_ > count) {
        const uint64_t cut = std::min(blocks_of(entries_.back()), count_ - count);
        count_ -= cut;
        if (blocks_of(entries_.back()) == cut) {
            entries_.pop_back();
        } else {
            entries_.back() -= static_cast<uint32_t>(cut);
        }
    }
    add_holes(count - count_);
}

void BlockSums::add_holes(uint64_t count) {
    const uint64_t first = holes_.empty() ? sums_.size() : holes_.back().first + holes_.back().count;
    if (!holes_.empty() && holes_.back().sums == sums_.size()) {
        holes_.back().count += count;
    } else {
        const uint64_t since = holes_.empty() ? 0 : sums_.size() - holes_.back().sums;
        holes_.push_back({first + since, count, sums_.size()});
    }
}

const BlockSums::Holes* BlockSums::holes_before(uint64_t index) const {
    const auto after = std::upper_bound(holes_.begin(), holes_.end(), index,
                                        [](uint64_t at, const Holes& holes) { return at < holes.first; });
    return after == holes_.begin() ? nullptr : &*std::prev(after);
}

uint64_t BlockSums::holes_at(uint64_t index) const {
    const Holes* holes = holes_before(index);
    return holes && index - holes->first < holes->count ? holes->count - (index - holes->first) : 0;
}

bool BlockSums::is(uint64_t index, const Sha256Sum& sum) const {
    const Holes* holes = holes_before(index);
    if (!holes) return sums_[index] == sum;
    const uint64_t since = index - holes->first;
    return since >= holes->count && sums_[holes->sums + (since - holes->count)] == sum;
}

const Sha256Sum& BlockSums::first() const {
    static constexpr Sha256Sum hole{};
    return holes_at(0) > 0 ? hole : sums_.front();
}

}  // namespace gbuild::pack
