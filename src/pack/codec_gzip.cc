#include <libdeflate.h>

#include <algorithm>

#include "codecs.h"
#include "gbuild/deflate/encoder.h"

namespace gbuild::pack {
namespace {

struct FreeDeflate {
    void operator()(libdeflate_compressor* p) const { libdeflate_free_compressor(p); }
    void operator()(libdeflate_decompressor* p) const { libdeflate_free_decompressor(p); }
};

// squashfs's "gzip" is the zlib format.
class GzipCompressor : public BlockCompressor {
  public:
    explicit GzipCompressor(int level) : encoder_(level) {}
    size_t compress(std::span<const std::byte> in, std::span<std::byte> out) override {
        return encoder_.zlib(in, out.first(useful_length(in, out)));
    }

  private:
    deflate::Encoder encoder_;
};

// Levels above gbuild's own, which weigh up every way of cutting the text.
class ExhaustiveGzipCompressor : public BlockCompressor {
  public:
    explicit ExhaustiveGzipCompressor(int level) : compressor_(libdeflate_alloc_compressor(level)) {
        if (!compressor_) throw_codec_failure(Codec::gzip);
    }
    size_t compress(std::span<const std::byte> in, std::span<std::byte> out) override {
        return libdeflate_zlib_compress(compressor_.get(), in.data(), in.size(), out.data(), useful_length(in, out));
    }

  private:
    std::unique_ptr<libdeflate_compressor, FreeDeflate> compressor_;
};

class GzipDecompressor : public BlockDecompressor {
  public:
    GzipDecompressor() : decompressor_(libdeflate_alloc_decompressor()) {
        if (!decompressor_) throw_codec_failure(Codec::gzip);
    }
    size_t decompress(std::span<const std::byte> in, std::span<std::byte> out) override {
        size_t length = 0;
        if (libdeflate_zlib_decompress(decompressor_.get(), in.data(), in.size(), out.data(), out.size(), &length) !=
            LIBDEFLATE_SUCCESS) {
            throw_damaged_block(Codec::gzip);
        }
        return length;
    }

  private:
    std::unique_ptr<libdeflate_decompressor, FreeDeflate> decompressor_;
};

}  // namespace

std::unique_ptr<BlockCompressor> make_gzip_compressor(const PackOptions& options) {
    if (options.level <= deflate::highest_level) return std::make_unique<GzipCompressor>(options.level);
    return std::make_unique<ExhaustiveGzipCompressor>(options.level);
}
std::unique_ptr<BlockDecompressor> make_gzip_decompressor() { return std::make_unique<GzipDecompressor>(); }

}  // namespace gbuild::pack
