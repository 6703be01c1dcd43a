// What an image consists of, before anything of it is written: its inodes with their numbers and links, its contents in
// order, and whether squashfs can hold it all.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "gbuild/tree/tree.h"

namespace gbuild::pack {

struct InodeFacts {
    uint32_t number = 0;
    uint32_t links = 0;      // names; not meaningful for directories
    uint64_t reference = 0;  // where the inode is in the inode table; 0 until it is written
    bool written = false;
};

class Census {
  public:
    // Throws limit, naming the path, for what squashfs cannot hold.
    explicit Census(const tree::Tree& tree);

    InodeFacts& facts(const tree::Inode& inode) { return inodes_.at(&inode); }
    uint32_t inode_count() const { return static_cast<uint32_t>(inodes_.size()); }
    // Each once, in the order of the tree's paths.
    const std::vector<tree::ContentRef>& contents() const { return contents_; }
    const std::vector<std::string>& dropped_xattrs() const { return dropped_xattrs_; }

  private:
    void add(const std::string& path, const tree::Node& node);
    void add_inode(const std::string& path, const tree::Inode& inode);
    void number_children(const tree::Node& directory);

    std::unordered_map<const tree::Inode*, InodeFacts> inodes_;
    std::unordered_set<uint32_t> ids_;
    std::vector<tree::ContentRef> contents_;
    std::vector<std::string> dropped_xattrs_;
    uint32_t next_number_ = 1;
};

// Whether squashfs has a place for the attribute: user.*, trusted.* and security.* of the kernel's sizes.
bool storable(const tree::Xattr& xattr);

}  // namespace gbuild::pack
