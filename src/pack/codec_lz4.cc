#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>

#include "codecs.h"

namespace gbuild::pack {
namespace {

const char* chars(std::span<const std::byte> span) { return reinterpret_cast<const char*>(span.data()); }
char* chars(std::span<std::byte> span) { return reinterpret_cast<char*>(span.data()); }

// Level 1 is plain LZ4, the rest LZ4 HC at that level.
class Lz4Compressor : public BlockCompressor {
  public:
    explicit Lz4Compressor(int level) :
        level_(level), state_(new std::byte[static_cast<size_t>(std::max(LZ4_sizeofState(), LZ4_sizeofStateHC()))]) {}
    size_t compress(std::span<const std::byte> in, std::span<std::byte> out) override {
        const int size = static_cast<int>(in.size());
        const int room = static_cast<int>(useful_length(in, out));
        const int length = level_ == level_range(Codec::lz4).lowest
                               ? LZ4_compress_fast_extState(state_.get(), chars(in), chars(out), size, room, 1)
                               : LZ4_compress_HC_extStateHC(state_.get(), chars(in), chars(out), size, room, level_);
        return static_cast<size_t>(std::max(length, 0));
    }

  private:
    int level_;
    std::unique_ptr<std::byte[]> state_;
};

class Lz4Decompressor : public BlockDecompressor {
  public:
    size_t decompress(std::span<const std::byte> in, std::span<std::byte> out) override {
        const int length =
            LZ4_decompress_safe(chars(in), chars(out), static_cast<int>(in.size()), static_cast<int>(out.size()));
        if (length < 0) throw_damaged_block(Codec::lz4);
        return static_cast<size_t>(length);
    }
};

}  // namespace

std::unique_ptr<BlockCompressor> make_lz4_compressor(const PackOptions& options) {
    return std::make_unique<Lz4Compressor>(options.level);
}
std::unique_ptr<BlockDecompressor> make_lz4_decompressor() { return std::make_unique<Lz4Decompressor>(); }

}  // namespace gbuild::pack
