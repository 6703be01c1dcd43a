// The compressors behind squashfs blocks, one block at a time. An object belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gbuild/pack/options.h"

namespace gbuild::pack {

class BlockCompressor {
  public:
    virtual ~BlockCompressor() = default;
    // Compresses `in` (not empty) into `out` and returns the length; 0 when the result would not be smaller than `in`
    // or not fit in `out`, and the block is to be stored as it is. The bytes depend on nothing but `in` and the
    // options.
    virtual size_t compress(std::span<const std::byte> in, std::span<std::byte> out) = 0;
};

class BlockDecompressor {
  public:
    virtual ~BlockDecompressor() = default;
    // Returns the decompressed length. Throws integrity for damaged input and for output that does not fit in `out`.
    virtual size_t decompress(std::span<const std::byte> in, std::span<std::byte> out) = 0;
};

std::unique_ptr<BlockCompressor> make_compressor(const PackOptions& options);
std::unique_ptr<BlockDecompressor> make_decompressor(Codec codec);

// The squashfs superblock's number for the codec, and back; nullopt for numbers gbuild has no codec for (lzma).
uint16_t squashfs_id(Codec codec);
std::optional<Codec> codec_of_squashfs_id(uint16_t id);

// What squashfs stores behind the superblock about the compressor (without the metadata block's header); empty where
// the kernel's and unsquashfs's defaults already fit.
std::vector<std::byte> stored_options(const PackOptions& options);

}  // namespace gbuild::pack
