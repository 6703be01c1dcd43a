// What a stream is compressed with, told by its first bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gbuild/base/byte_source.h"

namespace gbuild::layer {

enum class Compression { none, gzip, zstd, bzip2, xz };

// Bytes that detect_compression() looks at.
inline constexpr size_t magic_size = 10;
Compression detect_compression(std::span<const std::byte> head);

// A source whose first bytes can be looked at before they are read.
class PeekedSource : public ByteSource {
  public:
    // Reads `count` bytes ahead, fewer when the source ends before.
    PeekedSource(std::unique_ptr<ByteSource> inner, size_t count);
    std::span<const std::byte> head() const { return head_; }
    std::span<const std::byte> next() override;

  private:
    std::unique_ptr<ByteSource> inner_;
    std::vector<std::byte> head_;
    bool head_given_ = false;
};

// Layers may be compressed with gzip and zstd, archives with bzip2 and xz as well.
enum class Filters { layer, archive };

// Larger runs cost cache misses, smaller ones calls: the best of those measured on a 1.4 GB image.
inline constexpr uint32_t usual_run_size = uint32_t{512} * 1024;

// Who wants no more than a file's beginning asks for gzip's in runs of that size: what comes later may be damaged.
std::unique_ptr<ByteSource> decompress_with(Filters filters, std::unique_ptr<ByteSource> inner, std::string what,
                                            uint64_t max_size, uint32_t run_size = usual_run_size);

}  // namespace gbuild::layer
