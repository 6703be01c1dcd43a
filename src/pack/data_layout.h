// Which bytes of which packs an image is made of, and where they go. A function of the tree and the packs' contents
// alone: packs count in the order in which the tree's paths first refer to them, not by their number in the pack set.
#pragma once

#include <vector>

#include "gbuild/pack/pack.h"

namespace gbuild::pack {

// Blocks copied as they are.
struct CopyRun {
    uint32_t pack = 0;
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t length = 0;
};

// The end of a file that moves from a fragment with dead parts to a new one.
struct TailMove {
    uint32_t pack = 0;
    uint32_t fragment = 0;  // of the pack
    uint32_t offset = 0;
    uint32_t length = 0;
    uint32_t target = 0;  // counts the new fragments from 0
};

class DataLayout {
  public:
    // `contents` in the order of the tree's paths, each once. The first data byte goes to `data_start`.
    DataLayout(const PackSet& packs, std::span<const tree::ContentRef> contents, uint64_t data_start);

    struct Place {
        uint64_t start = 0;
        uint32_t fragment = PackedFile::no_fragment;  // of the image: the copied ones, then the new ones
        uint32_t fragment_offset = 0;
    };
    const Place& place(tree::ContentRef content) const;

    std::span<const CopyRun> copies() const { return copies_; }
    std::span<const Fragment> copied_fragments() const { return copied_fragments_; }  // positions in the image
    std::span<const TailMove> moves() const { return moves_; }                        // targets ascend
    uint64_t copied_end() const { return copied_end_; }

  private:
    // One file for each different content.
    struct Chosen {
        uint32_t part = 0;
        uint32_t number = 0;  // in the pack
        Place place;
    };
    struct Extent {
        uint64_t position = 0, length = 0, to = 0;
    };
    struct Part {
        uint32_t pack = 0;
        std::vector<uint32_t> chosen;  // file number → index into chosen_, or none
        std::vector<Extent> extents;   // sorted, apart from each other
    };
    struct Tail {
        uint32_t fragment = 0, offset = 0, length = 0, chosen = 0;
    };

    void find_parts(std::span<const tree::ContentRef> contents);
    void choose();
    void find_tails();
    void split_fragments(uint32_t part, std::span<const Tail> tails);
    void merge_extents(Part& part);
    void place_everything();
    void place_moves();
    uint64_t image_position(const Part& part, uint64_t position) const;
    const Pack& pack_of(const Part& part) const { return packs_.at(part.pack); }

    const PackSet& packs_;
    std::vector<uint32_t> part_of_pack_;
    std::vector<Part> parts_;
    std::vector<Chosen> chosen_;
    std::vector<std::pair<uint32_t, uint32_t>> kept_fragments_;  // part, fragment
    std::vector<std::pair<uint32_t, Tail>> moving_;              // part, tail
    std::vector<CopyRun> copies_;
    std::vector<Fragment> copied_fragments_;
    std::vector<TailMove> moves_;
    uint64_t copied_end_;
};

}  // namespace gbuild::pack
