#include <algorithm>

#include "compression.h"
#include "gbuild/base/error.h"
#include "gbuild/layer/tar_stream.h"
#include "tar_header.h"

namespace gbuild::layer {
namespace {

constexpr uint64_t max_archive_size = uint64_t{1} << 40;

}  // namespace

bool is_archive(std::span<const std::byte> head) {
    if (detect_compression(head) != Compression::none) return true;
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

std::unique_ptr<tree::EntryStream> read_archive(std::unique_ptr<ByteSource> file, TarOptions options) {
    auto tar = decompress_with(Filters::archive, std::move(file), options.what, max_archive_size);
    return read_tar(std::move(tar), std::move(options));
}

}  // namespace gbuild::layer
