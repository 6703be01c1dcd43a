#include "inode_builder.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "gbuild/base/error.h"

namespace gbuild::pack {
namespace {

using tree::FileType;
using tree::Inode;

// Zeroed, with room for `extra` bytes behind it. libsquashfs's inodes come from malloc.
SqfsInode allocate(size_t extra) {
    void* memory = std::calloc(1, sizeof(sqfs_inode_generic_t) + extra);
    if (memory == nullptr) throw std::bad_alloc();
    SqfsInode inode(static_cast<sqfs_inode_generic_t*>(memory));
    inode->payload_bytes_available = inode->payload_bytes_used = static_cast<uint32_t>(extra);
    return inode;
}

// The kernel's new_encode_dev().
uint32_t encode_device(uint32_t major, uint32_t minor) {
    return (minor & 0xff) | (major << 8) | ((minor & ~uint32_t{0xff}) << 12);
}

SqfsInode build_file(const Inode& file, uint32_t links, uint32_t xattrs, const PackSet& packs,
                     const DataLayout& layout) {
    PackedFile packed;
    DataLayout::Place place;
    if (!file.content.empty()) {
        packed = packs.at(file.content.pack).file(file.content.number);
        place = layout.place(file.content);
    }
    const std::span<const std::byte> blocks = std::as_bytes(packed.blocks);
    SqfsInode inode = allocate(blocks.size());
    if (!blocks.empty()) std::memcpy(inode->extra, blocks.data(), blocks.size());
    // A basic inode has 32-bit numbers and neither a link count nor a count of sparse bytes.
    if (xattrs != no_xattrs || links > 1 || packed.sparse > 0 || place.start > UINT32_MAX || packed.size > UINT32_MAX) {
        inode->base.type = SQFS_INODE_EXT_FILE;
        inode->data.file_ext = {place.start,    packed.size,           packed.sparse, links,
                                place.fragment, place.fragment_offset, xattrs};
    } else {
        inode->base.type = SQFS_INODE_FILE;
        inode->data.file = {static_cast<uint32_t>(place.start), place.fragment, place.fragment_offset,
                            static_cast<uint32_t>(packed.size)};
    }
    return inode;
}

SqfsInode build_symlink(const Inode& link, uint32_t links, uint32_t xattrs) {
    const auto size = static_cast<uint32_t>(link.target.size());
    SqfsInode inode = allocate(size);
    std::memcpy(inode->extra, link.target.data(), size);
    if (xattrs != no_xattrs) {
        inode->base.type = SQFS_INODE_EXT_SLINK;
        inode->data.slink_ext = {links, size, xattrs};
    } else {
        inode->base.type = SQFS_INODE_SLINK;
        inode->data.slink = {links, size};
    }
    return inode;
}

SqfsInode build_device(const Inode& device, uint32_t links, uint32_t xattrs) {
    SqfsInode inode = allocate(0);
    const uint32_t number = encode_device(device.device_major, device.device_minor);
    const bool character = device.type == FileType::char_device;
    if (xattrs != no_xattrs) {
        inode->base.type = character ? SQFS_INODE_EXT_CDEV : SQFS_INODE_EXT_BDEV;
        inode->data.dev_ext = {links, number, xattrs};
    } else {
        inode->base.type = character ? SQFS_INODE_CDEV : SQFS_INODE_BDEV;
        inode->data.dev = {links, number};
    }
    return inode;
}

SqfsInode build_ipc(const Inode& ipc, uint32_t links, uint32_t xattrs) {
    SqfsInode inode = allocate(0);
    const bool fifo = ipc.type == FileType::fifo;
    if (xattrs != no_xattrs) {
        inode->base.type = fifo ? SQFS_INODE_EXT_FIFO : SQFS_INODE_EXT_SOCKET;
        inode->data.ipc_ext = {links, xattrs};
    } else {
        inode->base.type = fifo ? SQFS_INODE_FIFO : SQFS_INODE_SOCKET;
        inode->data.ipc = {links};
    }
    return inode;
}

}  // namespace

uint32_t squashfs_time(int64_t seconds) { return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 0, UINT32_MAX)); }

SqfsInode build_leaf(const Inode& inode, uint32_t links, uint32_t xattrs, const PackSet& packs,
                     const DataLayout& layout) {
    switch (inode.type) {
    case FileType::regular: return build_file(inode, links, xattrs, packs, layout);
    case FileType::symlink: return build_symlink(inode, links, xattrs);
    case FileType::char_device:
    case FileType::block_device: return build_device(inode, links, xattrs);
    case FileType::fifo:
    case FileType::socket: return build_ipc(inode, links, xattrs);
    case FileType::directory: break;
    }
    throw Error(ErrorKind::internal, "a directory is not a leaf");
}

}  // namespace gbuild::pack
