#include <lzma.h>

#include <algorithm>

#include "codecs.h"

namespace gbuild::pack {
namespace {

class XzCompressor : public BlockCompressor {
  public:
    explicit XzCompressor(const PackOptions& options) {
        if (lzma_lzma_preset(&lzma_, static_cast<uint32_t>(options.level))) throw_codec_failure(Codec::xz);
        // The kernel sets this much aside and refuses streams that ask for more: a block, or 8 KiB for metadata.
        lzma_.dict_size = std::max<uint32_t>(options.block_size, 8192);
        filters_[0] = {LZMA_FILTER_LZMA2, &lzma_};
        filters_[1] = {LZMA_VLI_UNKNOWN, nullptr};
    }
    size_t compress(std::span<const std::byte> in, std::span<std::byte> out) override {
        size_t length = 0;
        // CRC32 is the only check that the kernel's decoder verifies.
        const lzma_ret result = lzma_stream_buffer_encode(filters_, LZMA_CHECK_CRC32, nullptr, bytes(in), in.size(),
                                                          bytes(out), &length, useful_length(in, out));
        if (result == LZMA_BUF_ERROR) return 0;
        if (result != LZMA_OK) throw_codec_failure(Codec::xz);
        return length;
    }

  private:
    lzma_options_lzma lzma_{};
    lzma_filter filters_[2]{};
};

class XzDecompressor : public BlockDecompressor {
  public:
    size_t decompress(std::span<const std::byte> in, std::span<std::byte> out) override {
        // Far more than a dictionary of the largest block takes, far less than a hostile header may ask for.
        uint64_t memory = 64 << 20;
        size_t used = 0;
        size_t length = 0;
        if (lzma_stream_buffer_decode(&memory, 0, nullptr, bytes(in), &used, in.size(), bytes(out), &length,
                                      out.size()) != LZMA_OK) {
            throw_damaged_block(Codec::xz);
        }
        return length;
    }
};

}  // namespace

std::unique_ptr<BlockCompressor> make_xz_compressor(const PackOptions& options) {
    return std::make_unique<XzCompressor>(options);
}
std::unique_ptr<BlockDecompressor> make_xz_decompressor() { return std::make_unique<XzDecompressor>(); }

}  // namespace gbuild::pack
