// Layer entries as bytes, in the pack's index. A path is written as what it adds to the one before.
#pragma once

#include "gbuild/base/binary.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::pack {

class EntryEncoder {
  public:
    // inode.content is not kept: files with contents are numbered in the order of their entries.
    // Throws limit for a layer whose entries would take too much memory.
    void add(const tree::LayerEntry& entry);
    uint64_t count() const { return count_; }
    std::span<const std::byte> bytes() const { return out_.bytes(); }

  private:
    void add_inode(const tree::Inode& inode);
    BinaryWriter out_;
    std::string previous_;
    uint64_t count_ = 0;
};

// Throws integrity for anything that EntryEncoder does not write.
class EntryDecoder {
  public:
    EntryDecoder(std::span<const std::byte> bytes, uint64_t count) : in_(bytes, "the pack's index"), left_(count) {}
    // False at the end. content.number is set, content.pack is not.
    bool next(tree::LayerEntry& entry);
    uint32_t files() const { return files_; }  // with contents, so far

  private:
    void read_inode(tree::Inode& inode);
    std::string path(std::string_view previous);
    BinaryReader in_;
    uint64_t left_;
    std::string previous_;
    uint32_t files_ = 0;
};

}  // namespace gbuild::pack
