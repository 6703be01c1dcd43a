#include "dedup.h"

namespace gbuild::pack {
namespace {

constexpr size_t max_tails = 600'000;   // 40 MiB of slots at most
constexpr uint64_t max_sums = 1 << 19;  // 16 MiB: the sums of 64 GiB in blocks of 128 KiB
constexpr size_t max_lists_with_one_head = 16;

// Lists of different lengths are not compared, so the length is part of the key.
Sha256Sum head_key(Sha256Sum first, uint64_t count) {
    for (size_t i = 0; i < sizeof count; i++) first[8 + i] ^= static_cast<std::byte>(count >> 8 * i);
    return first;
}

}  // namespace

std::optional<TailPlace> TailTable::find(const Sha256Sum& sum) const {
    if (slots_.empty()) return std::nullopt;
    const Slot& slot = slots_[slot_of(sum)];
    if (slot.place.fragment == vacant) return std::nullopt;
    return slot.place;
}

void TailTable::add(const Sha256Sum& sum, TailPlace place) {
    if (used_ == max_tails) return;
    if (used_ * 3 >= slots_.size() * 2) grow();
    slots_[slot_of(sum)] = {sum, place};
    used_++;
}

size_t TailTable::slot_of(const Sha256Sum& sum) const {
    size_t at = Sha256SumHash()(sum) & (slots_.size() - 1);
    while (slots_[at].place.fragment != vacant && slots_[at].sum != sum) at = (at + 1) & (slots_.size() - 1);
    return at;
}

void TailTable::grow() {
    std::vector<Slot> old(slots_.empty() ? 1024 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
        if (slot.place.fragment != vacant) slots_[slot_of(slot.sum)] = slot;
    }
}

std::vector<BlockList*> HeadTable::find(const Sha256Sum& first, uint64_t count) const {
    const auto found = lists_.find(head_key(first, count));
    return found == lists_.end() ? std::vector<BlockList*>() : found->second;
}

bool HeadTable::has_room(const Sha256Sum& first, uint64_t count) const {
    if (count > max_sums - sums_) return false;
    const auto found = lists_.find(head_key(first, count));
    return found == lists_.end() || found->second.size() < max_lists_with_one_head;
}

void HeadTable::add(BlockList& list) {
    lists_[head_key(list.sums.first(), list.count)].push_back(&list);
    sums_ += list.count;
}

}  // namespace gbuild::pack
