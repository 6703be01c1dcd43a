// A squashfs's directories as a tree. Loops, directories that appear twice and files of absurd number are refused.
#pragma once

#include <unordered_map>

#include "gbuild/tree/tree.h"
#include "image_inode.h"

namespace gbuild::pack {

struct ImageTree {
    tree::Tree tree;
    std::unordered_map<uint32_t, uint64_t> references;  // inode number → reference, but for directories
};

ImageTree read_image_tree(MetadataReader& reader, const Superblock& super);

}  // namespace gbuild::pack
