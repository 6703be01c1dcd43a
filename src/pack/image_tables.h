// The smaller tables of a squashfs: owners, fragments, extended attributes.
#pragma once

#include <vector>

#include "gbuild/pack/pack.h"
#include "gbuild/tree/inode.h"
#include "metadata_reader.h"

namespace gbuild::pack {

std::vector<uint32_t> read_ids(MetadataReader& reader, const Superblock& super);

// Fragment `index`; its length is not in the table and stays 0.
Fragment read_fragment(MetadataReader& reader, const Superblock& super, uint32_t index);

// Sorted by name. Throws integrity.
std::vector<tree::Xattr> read_xattrs(MetadataReader& reader, const Superblock& super, uint32_t index);

}  // namespace gbuild::pack
