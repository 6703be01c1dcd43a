// One pair of factories for each codec; make_compressor() and make_decompressor() choose among them.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "gbuild/pack/codec.h"

namespace gbuild::pack {

std::unique_ptr<BlockCompressor> make_gzip_compressor(const PackOptions& options);
std::unique_ptr<BlockDecompressor> make_gzip_decompressor();
std::unique_ptr<BlockCompressor> make_lzo_compressor(const PackOptions& options);
std::unique_ptr<BlockDecompressor> make_lzo_decompressor();
std::unique_ptr<BlockCompressor> make_lz4_compressor(const PackOptions& options);
std::unique_ptr<BlockDecompressor> make_lz4_decompressor();
std::unique_ptr<BlockCompressor> make_xz_compressor(const PackOptions& options);
std::unique_ptr<BlockDecompressor> make_xz_decompressor();
std::unique_ptr<BlockCompressor> make_zstd_compressor(const PackOptions& options);
std::unique_ptr<BlockDecompressor> make_zstd_decompressor();

// As C libraries want them.
inline const unsigned char* bytes(std::span<const std::byte> span) {
    return reinterpret_cast<const unsigned char*>(span.data());
}
inline unsigned char* bytes(std::span<std::byte> span) { return reinterpret_cast<unsigned char*>(span.data()); }

// The length a result may have at most to be worth keeping instead of the block itself.
inline size_t useful_length(std::span<const std::byte> in, std::span<std::byte> out) {
    return std::min(in.size() - 1, out.size());
}

[[noreturn]] void throw_damaged_block(Codec codec);
[[noreturn]] void throw_codec_failure(Codec codec);

}  // namespace gbuild::pack
