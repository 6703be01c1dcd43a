// libsquashfs's C objects with owners, and what it needs of us: a compressor and a file.
#pragma once

#include <sqfs/compressor.h>
#include <sqfs/error.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gbuild/pack/codec.h"

namespace gbuild::pack {

struct DestroyObject {
    void operator()(void* object) const { sqfs_destroy(object); }
};
template <class T>
using SqfsObject = std::unique_ptr<T, DestroyObject>;

struct FreeInode {
    void operator()(void* inode) const { sqfs_free(inode); }
};
using SqfsInode = std::unique_ptr<sqfs_inode_generic_t, FreeInode>;

// For results of libsquashfs: throws when `result` is not 0, naming what was attempted.
void check_sqfs(int result, std::string_view what);
// Takes over what a _create function returned; throws when that is null.
template <class T>
SqfsObject<T> own_sqfs(T* object, std::string_view what) {
    if (object == nullptr) check_sqfs(SQFS_ERROR_ALLOC, what);
    return SqfsObject<T>(object);
}

// Metadata blocks through gbuild's own codecs: libsquashfs has no LZO and no libdeflate.
class MetadataCompressor : public sqfs_compressor_t {
  public:
    explicit MetadataCompressor(const PackOptions& options);

  private:
    static sqfs_s32 compress(sqfs_compressor_t* self, const sqfs_u8* in, sqfs_u32 size, sqfs_u8* out, sqfs_u32 room);
    size_t compress_zeros(std::span<const std::byte> in, std::span<std::byte> out);
    const PackOptions options_;
    std::unique_ptr<BlockCompressor> compressor_;
    std::vector<std::byte> zeros_;  // a block of nothing else, compressed: the sizes of holes fill many
};

// An image of which only the head (superblock, compressor options) and the tables behind the data are in memory.
class TableFile : public sqfs_file_t {
  public:
    TableFile(size_t head_size, uint64_t tables_start);
    std::vector<std::byte>& head() { return head_; }
    std::vector<std::byte>& tables() { return tables_; }
    uint64_t end() const { return start_ + tables_.size(); }

  private:
    int write(uint64_t offset, const void* bytes, size_t size) noexcept;
    const uint64_t start_;
    std::vector<std::byte> head_;
    std::vector<std::byte> tables_;
};

}  // namespace gbuild::pack
