#include <zstd.h>

#include <algorithm>

#include "codecs.h"

namespace gbuild::pack {
namespace {

struct FreeZstd {
    void operator()(ZSTD_CCtx* p) const { ZSTD_freeCCtx(p); }
    void operator()(ZSTD_DCtx* p) const { ZSTD_freeDCtx(p); }
};

class ZstdCompressor : public BlockCompressor {
  public:
    explicit ZstdCompressor(int level) : level_(level), context_(ZSTD_createCCtx()) {
        if (!context_) throw_codec_failure(Codec::zstd);
    }
    size_t compress(std::span<const std::byte> in, std::span<std::byte> out) override {
        const size_t length =
            ZSTD_compressCCtx(context_.get(), out.data(), useful_length(in, out), in.data(), in.size(), level_);
        return ZSTD_isError(length) ? 0 : length;
    }

  private:
    int level_;
    std::unique_ptr<ZSTD_CCtx, FreeZstd> context_;
};

class ZstdDecompressor : public BlockDecompressor {
  public:
    ZstdDecompressor() : context_(ZSTD_createDCtx()) {
        if (!context_) throw_codec_failure(Codec::zstd);
    }
    size_t decompress(std::span<const std::byte> in, std::span<std::byte> out) override {
        const size_t length = ZSTD_decompressDCtx(context_.get(), out.data(), out.size(), in.data(), in.size());
        // No input at all is fine for the library, but no block is empty.
        if (ZSTD_isError(length) || length == 0) throw_damaged_block(Codec::zstd);
        return length;
    }

  private:
    std::unique_ptr<ZSTD_DCtx, FreeZstd> context_;
};

}  // namespace

std::unique_ptr<BlockCompressor> make_zstd_compressor(const PackOptions& options) {
    return std::make_unique<ZstdCompressor>(options.level);
}
std::unique_ptr<BlockDecompressor> make_zstd_decompressor() { return std::make_unique<ZstdDecompressor>(); }

}  // namespace gbuild::pack
