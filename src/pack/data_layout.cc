#include "data_layout.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "gbuild/base/error.h"
#include "pack_format.h"

namespace gbuild::pack {
namespace {

constexpr uint32_t none = UINT32_MAX;
constexpr uint32_t wanted = none - 1;

uint64_t bytes_on_disk(std::span<const uint32_t> blocks) {
    uint64_t bytes = 0;
    for (uint32_t size : blocks) bytes += disk_bytes(size);
    return bytes;
}

}  // namespace

DataLayout::DataLayout(const PackSet& packs, std::span<const tree::ContentRef> contents, uint64_t data_start) :
    packs_(packs), part_of_pack_(packs.size(), none), copied_end_(data_start) {
    find_parts(contents);
    choose();
    find_tails();
    for (Part& part : parts_) merge_extents(part);
    place_everything();
    place_moves();
}

const DataLayout::Place& DataLayout::place(tree::ContentRef content) const {
    return chosen_[parts_[part_of_pack_.at(content.pack)].chosen.at(content.number)].place;
}

void DataLayout::find_parts(std::span<const tree::ContentRef> contents) {
    for (const tree::ContentRef& content : contents) {
        uint32_t& part = part_of_pack_.at(content.pack);
        if (part == none) {
            part = static_cast<uint32_t>(parts_.size());
            parts_.push_back({content.pack, std::vector<uint32_t>(packs_.at(content.pack).file_count(), none), {}});
        }
        parts_[part].chosen.at(content.number) = wanted;
    }
}

// Of equal contents the first one is used.
void DataLayout::choose() {
    std::unordered_map<Sha256Sum, uint32_t, Sha256SumHash> known;
    for (uint32_t i = 0; i < parts_.size(); i++) {
        Part& part = parts_[i];
        for (uint32_t number = 0; number < part.chosen.size(); number++) {
            if (part.chosen[number] == none) continue;
            const auto at = known.emplace(pack_of(part).file(number).digest, static_cast<uint32_t>(chosen_.size()));
            if (at.second) chosen_.push_back({i, number, {}});
            part.chosen[number] = at.first->second;
        }
    }
}

void DataLayout::find_tails() {
    const uint32_t block_size = packs_.options().block_size;
    std::vector<Tail> tails;
    auto next = chosen_.begin();
    for (uint32_t i = 0; i < parts_.size(); i++) {
        tails.clear();
        for (; next != chosen_.end() && next->part == i; ++next) {
            const PackedFile file = pack_of(parts_[i]).file(next->number);
            if (const uint64_t bytes = bytes_on_disk(file.blocks)) {
                parts_[i].extents.push_back({file.start, bytes, 0});
            }
            if (file.fragment == PackedFile::no_fragment) continue;
            tails.push_back({file.fragment, file.fragment_offset, static_cast<uint32_t>(file.size % block_size),
                             static_cast<uint32_t>(next - chosen_.begin())});
        }
        std::sort(tails.begin(), tails.end(), [](const Tail& a, const Tail& b) {
            return std::tie(a.fragment, a.offset, a.length, a.chosen) <
                   std::tie(b.fragment, b.offset, b.length, b.chosen);
        });
        for (auto first = tails.begin(); first != tails.end();) {
            const auto last =
                std::find_if(first, tails.end(), [&](const Tail& tail) { return tail.fragment != first->fragment; });
            split_fragments(i, std::span(first, last));
            first = last;
        }
    }
}

// Decides about one fragment, of which `tails` are needed, in order: without a gap between them it is copied, otherwise
// they move, so that nothing of a file that is not in the image comes along.
void DataLayout::split_fragments(uint32_t part, std::span<const Tail> tails) {
    const Fragment& fragment = pack_of(parts_[part]).fragments()[tails.front().fragment];
    uint32_t covered = 0;
    for (const Tail& tail : tails) {
        if (tail.offset > covered) break;
        covered = std::max(covered, tail.offset + tail.length);
    }
    if (covered < fragment.length) {
        for (const Tail& tail : tails) moving_.emplace_back(part, tail);
        return;
    }
    for (const Tail& tail : tails) {
        chosen_[tail.chosen].place.fragment = static_cast<uint32_t>(kept_fragments_.size());
        chosen_[tail.chosen].place.fragment_offset = tail.offset;
    }
    kept_fragments_.emplace_back(part, tails.front().fragment);
    parts_[part].extents.push_back({fragment.position, disk_bytes(fragment.size), 0});
}

void DataLayout::merge_extents(Part& part) {
    auto& extents = part.extents;
    std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) { return a.position < b.position; });
    size_t kept = 0;
    for (const Extent& extent : extents) {
        Extent* last = kept > 0 ? &extents[kept - 1] : nullptr;
        if (last && extent.position <= last->position + last->length) {
            last->length = std::max(last->length, extent.position + extent.length - last->position);
        } else {
            extents[kept++] = extent;
        }
    }
    extents.resize(kept);
    extents.shrink_to_fit();
    for (Extent& extent : extents) {
        extent.to = copied_end_;
        copied_end_ += extent.length;
        copies_.push_back({part.pack, extent.position, extent.to, extent.length});
    }
}

uint64_t DataLayout::image_position(const Part& part, uint64_t position) const {
    const auto after = std::upper_bound(part.extents.begin(), part.extents.end(), position,
                                        [](uint64_t value, const Extent& extent) { return value < extent.position; });
    if (after == part.extents.begin()) throw Error(ErrorKind::internal, "a block of the image is not copied");
    const Extent& extent = *std::prev(after);
    return extent.to + (position - extent.position);
}

void DataLayout::place_everything() {
    for (Chosen& chosen : chosen_) {
        const Part& part = parts_[chosen.part];
        const PackedFile file = pack_of(part).file(chosen.number);
        if (bytes_on_disk(file.blocks) > 0) chosen.place.start = image_position(part, file.start);
    }
    for (const auto& [part, number] : kept_fragments_) {
        Fragment fragment = pack_of(parts_[part]).fragments()[number];
        fragment.position = image_position(parts_[part], fragment.position);
        copied_fragments_.push_back(fragment);
    }
}

void DataLayout::place_moves() {
    const uint32_t block_size = packs_.options().block_size;
    uint32_t target = 0;
    uint32_t used = 0;
    const std::pair<uint32_t, Tail>* previous = nullptr;
    for (const auto& moving : moving_) {
        const uint32_t part = moving.first;
        const Tail& tail = moving.second;
        // Files whose blocks differ may share their end.
        const bool same = previous && previous->first == part && previous->second.fragment == tail.fragment &&
                          previous->second.offset == tail.offset && previous->second.length == tail.length;
        if (!same) {
            if (used + tail.length > block_size) {
                target++;
                used = 0;
            }
            moves_.push_back({parts_[part].pack, tail.fragment, tail.offset, tail.length, target});
            used += tail.length;
        }
        Place& place = chosen_[tail.chosen].place;
        place.fragment = static_cast<uint32_t>(copied_fragments_.size()) + target;
        place.fragment_offset = used - tail.length;
        previous = &moving;
    }
}

}  // namespace gbuild::pack
