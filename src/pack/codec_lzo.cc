#include <lzo/lzo1x.h>

#include <algorithm>
#include <cstring>

#include "codecs.h"

namespace gbuild::pack {
namespace {

void start_library() {
    if (lzo_init() != LZO_E_OK) throw_codec_failure(Codec::lzo);
}

class LzoCompressor : public BlockCompressor {
  public:
    explicit LzoCompressor(int level) : level_(level), memory_(new std::byte[LZO1X_999_MEM_COMPRESS]) {
        start_library();
    }
    size_t compress(std::span<const std::byte> in, std::span<std::byte> out) override {
        // The library does not take a limit: it writes up to this much.
        scratch_.resize(in.size() + in.size() / 16 + 64 + 3);
        lzo_uint length = 0;
        if (lzo1x_999_compress_level(bytes(in), in.size(), bytes(std::span(scratch_)), &length, memory_.get(), nullptr,
                                     0, nullptr, level_) != LZO_E_OK) {
            throw_codec_failure(Codec::lzo);
        }
        if (length > useful_length(in, out)) return 0;
        std::memcpy(out.data(), scratch_.data(), length);
        return length;
    }

  private:
    int level_;
    std::unique_ptr<std::byte[]> memory_;
    std::vector<std::byte> scratch_;
};

class LzoDecompressor : public BlockDecompressor {
  public:
    LzoDecompressor() { start_library(); }
    size_t decompress(std::span<const std::byte> in, std::span<std::byte> out) override {
        lzo_uint length = out.size();
        if (lzo1x_decompress_safe(bytes(in), in.size(), bytes(out), &length, nullptr) != LZO_E_OK) {
            throw_damaged_block(Codec::lzo);
        }
        return length;
    }
};

}  // namespace

std::unique_ptr<BlockCompressor> make_lzo_compressor(const PackOptions& options) {
    return std::make_unique<LzoCompressor>(options.level);
}
std::unique_ptr<BlockDecompressor> make_lzo_decompressor() { return std::make_unique<LzoDecompressor>(); }

}  // namespace gbuild::pack
