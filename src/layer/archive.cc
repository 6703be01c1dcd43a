#include <algorithm>

#include "compression.h"
#include "gbuild/base/error.h"
#include "gbuild/layer/tar_stream.h"
#include "tar_header.h"

namespace gbuild::layer {
namespace {

constexpr uint64_t max_archive_size = uint64_t{1} << 40;

bool is_tar(std::span<const std::byte> head) {
    if (head.size() < tar_block_size) return false;
    TarBlock block;
    std::copy_n(head.begin(), block.size(), block.begin());
    if (is_zero_block(block)) return false;
    try {
        parse_tar_header(block);
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

bool is_archive(std::span<const std::byte> head) {
    return detect_compression(head) != Compression::none || is_tar(head);
}

bool begins_with_tar(std::unique_ptr<ByteSource> file) {
    try {
        PeekedSource tar(
            decompress_with(Filters::archive, std::move(file), "archive", max_archive_size, tar_block_size),
            tar_block_size);
        return is_tar(tar.head());
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::integrity || error.kind() == ErrorKind::limit) return false;
        throw;
    }
}

std::unique_ptr<tree::EntryStream> read_archive(std::unique_ptr<ByteSource> file, TarOptions options) {
    auto tar = decompress_with(Filters::archive, std::move(file), options.what, max_archive_size);
    return read_tar(std::move(tar), std::move(options));
}

}  // namespace gbuild::layer
