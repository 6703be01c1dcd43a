#include "squashfs_handles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "gbuild/base/content_run.h"
#include "gbuild/base/error.h"

namespace gbuild::pack {
namespace {

constexpr size_t metadata_block = 8192;

}  // namespace

void check_sqfs(int result, std::string_view what) {
    if (result == 0) return;
    if (result == SQFS_ERROR_ALLOC) throw std::bad_alloc();
    throw Error(ErrorKind::internal, fmt::format("libsquashfs cannot {} (error {})", what, result));
}

MetadataCompressor::MetadataCompressor(const PackOptions& options) :
    sqfs_compressor_t{}, options_(options), compressor_(make_compressor(options)) {
    base.destroy = [](sqfs_object_t*) {};
    get_configuration = [](const sqfs_compressor_t* self, sqfs_compressor_config_t* config) {
        const PackOptions& ours = static_cast<const MetadataCompressor*>(self)->options_;
        std::memset(config, 0, sizeof *config);
        config->id = squashfs_id(ours.codec);
        config->block_size = ours.block_size;
    };
    write_options = [](sqfs_compressor_t*, sqfs_file_t*) { return 0; };
    read_options = [](sqfs_compressor_t*, sqfs_file_t*) { return 0; };
    do_block = compress;
}

sqfs_s32 MetadataCompressor::compress(sqfs_compressor_t* self, const sqfs_u8* in, sqfs_u32 size, sqfs_u8* out,
                                      sqfs_u32 room) try {
    if (size == 0) return 0;
    MetadataCompressor& ours = *static_cast<MetadataCompressor*>(self);
    const auto block = std::as_bytes(std::span(in, size));
    const auto result = std::as_writable_bytes(std::span(out, room));
    const bool zeros = size == metadata_block && all_zero(block);
    return static_cast<sqfs_s32>(zeros ? ours.compress_zeros(block, result)
                                       : ours.compressor_->compress(block, result));
} catch (...) {
    return SQFS_ERROR_COMPRESSOR;  // no exception may cross the C library
}

size_t MetadataCompressor::compress_zeros(std::span<const std::byte> in, std::span<std::byte> out) {
    if (zeros_.empty()) {
        const size_t length = compressor_->compress(in, out);
        zeros_.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(length));
        return length;
    }
    if (zeros_.size() > out.size()) return 0;
    std::copy(zeros_.begin(), zeros_.end(), out.begin());
    return zeros_.size();
}

TableFile::TableFile(size_t head_size, uint64_t tables_start) : sqfs_file_t{}, start_(tables_start), head_(head_size) {
    base.destroy = [](sqfs_object_t*) {};
    read_at = [](sqfs_file_t*, sqfs_u64, void*, size_t) -> int { return SQFS_ERROR_IO; };
    write_at = [](sqfs_file_t* self, sqfs_u64 offset, const void* bytes, size_t size) {
        return static_cast<TableFile*>(self)->write(offset, bytes, size);
    };
    get_size = [](const sqfs_file_t* self) -> sqfs_u64 { return static_cast<const TableFile*>(self)->end(); };
    truncate = [](sqfs_file_t*, sqfs_u64) -> int { return SQFS_ERROR_IO; };
}

int TableFile::write(uint64_t offset, const void* bytes, size_t size) noexcept try {
    if (offset < start_) {
        if (offset > head_.size() || size > head_.size() - offset) return SQFS_ERROR_OUT_OF_BOUNDS;
        std::memcpy(head_.data() + offset, bytes, size);
        return 0;
    }
    const uint64_t at = offset - start_;
    if (at > tables_.size()) return SQFS_ERROR_OUT_OF_BOUNDS;
    if (tables_.size() < at + size) tables_.resize(at + size);
    if (size > 0) std::memcpy(tables_.data() + at, bytes, size);
    return 0;
} catch (const std::bad_alloc&) {
    return SQFS_ERROR_ALLOC;
}

}  // namespace gbuild::pack
