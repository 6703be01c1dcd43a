// Which structure of an image a byte belongs to.
#pragma once

#include <unordered_map>

#include "gbuild/pack/image_reader.h"
#include "metadata_reader.h"

namespace gbuild::pack {

// What there is to look through.
struct ImageParts {
    MetadataReader& metadata;
    const Superblock& super;
    const std::unordered_map<uint32_t, uint64_t>& references;  // of the files of `tree`, by inode number
    uint64_t trailer = 0;                                      // where it begins
    uint64_t size = 0;                                         // of the whole file
};

ImagePlace place_of(const ImageParts& parts, uint64_t offset, const tree::Tree& tree);

}  // namespace gbuild::pack
