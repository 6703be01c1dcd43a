// Tree inodes as libsquashfs inodes, basic where that suffices and extended where something needs it.
#pragma once

#include "census.h"
#include "data_layout.h"
#include "squashfs_handles.h"

namespace gbuild::pack {

constexpr uint32_t no_xattrs = 0xFFFFFFFF;

uint32_t squashfs_time(int64_t seconds);

// Everything but directories; owner, mode, time and number are left to the caller. `packs` and `layout` tell where a
// regular file's contents are; the payload of its inode are entries of BlockSizes, for the caller to write out.
SqfsInode build_leaf(const tree::Inode& inode, uint32_t links, uint32_t xattrs, const PackSet& packs,
                     const DataLayout& layout);

}  // namespace gbuild::pack
