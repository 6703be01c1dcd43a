#include "compressor.h"

#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/ordered_pool.h"
#include "gbuild/deflate/encoder.h"

namespace gbuild::exporter {

namespace {

using Bytes = std::vector<std::byte>;

// Large enough that their borders cost next to nothing: deflate looks back 32 KiB, zstd 2 MiB at its usual level.
constexpr size_t gzip_piece = 1 << 20, zstd_piece = 4 << 20;

}  // namespace

LevelRange level_range(Compression compression) {
    if (compression == Compression::gzip) return {1, 12, 6};
    if (compression == Compression::zstd) return {1, 19, 3};
    return {0, 0, 0};
}

struct Compressor::Piece {
    Bytes plain, compressed;
};

// One thread's.
class Compressor::PieceCompressor {
  public:
    virtual ~PieceCompressor() = default;
    virtual void compress(Piece& piece) = 0;
};

class Compressor::GzipPieces : public PieceCompressor {
  public:
    explicit GzipPieces(int level) : encoder_(level) {}
    void compress(Piece& piece) override {
        piece.compressed.resize(deflate::longest_stream(piece.plain.size()));
        piece.compressed.resize(encoder_.gzip(piece.plain, piece.compressed));
    }

  private:
    deflate::Encoder encoder_;
};

// Levels above gbuild's own, which weigh up every way of cutting the text.
class Compressor::ExhaustiveGzipPieces : public PieceCompressor {
  public:
    explicit ExhaustiveGzipPieces(int level) : compressor_(libdeflate_alloc_compressor(level)) {
        if (!compressor_) throw std::bad_alloc();
    }
    void compress(Piece& piece) override {
        piece.compressed.resize(libdeflate_gzip_compress_bound(compressor_.get(), piece.plain.size()));
        const size_t size = libdeflate_gzip_compress(compressor_.get(), piece.plain.data(), piece.plain.size(),
                                                     piece.compressed.data(), piece.compressed.size());
        if (size == 0) throw Error(ErrorKind::internal, "libdeflate cannot compress a layer");
        piece.compressed.resize(size);
    }

  private:
    struct Free {
        void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
    };
    std::unique_ptr<libdeflate_compressor, Free> compressor_;
};

class Compressor::ZstdPieces : public PieceCompressor {
  public:
    explicit ZstdPieces(int level) : context_(ZSTD_createCCtx()), level_(level) {
        if (!context_) throw std::bad_alloc();
    }
    void compress(Piece& piece) override {
        piece.compressed.resize(ZSTD_compressBound(piece.plain.size()));
        const size_t size = ZSTD_compressCCtx(context_.get(), piece.compressed.data(), piece.compressed.size(),
                                              piece.plain.data(), piece.plain.size(), level_);
        if (ZSTD_isError(size) != 0) {
            throw Error(ErrorKind::internal, fmt::format("zstd cannot compress a layer: {}", ZSTD_getErrorName(size)));
        }
        piece.compressed.resize(size);
    }

  private:
    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };
    std::unique_ptr<ZSTD_CCtx, Free> context_;
    int level_;
};

struct Compressor::Engine {
    OrderedPool<Piece, PieceCompressor> pool;
};

Compressor::Compressor(Compression compression, int level, unsigned threads, ByteConsumer output) :
    output_(std::move(output)),
    piece_size_(compression == Compression::zstd ? zstd_piece : gzip_piece),
    batch_(size_t{2} * threads) {
    if (compression == Compression::none) return;
    auto make = [=]() -> std::unique_ptr<PieceCompressor> {
        if (compression == Compression::zstd) return std::make_unique<ZstdPieces>(level);
        if (level > deflate::highest_level) return std::make_unique<ExhaustiveGzipPieces>(level);
        return std::make_unique<GzipPieces>(level);
    };
    engine_.reset(new Engine{{threads, batch_, make,
                              [](Piece& piece, PieceCompressor& compressor) { compressor.compress(piece); },
                              [this](Piece& piece) { output_(piece.compressed); }}});
}

Compressor::~Compressor() = default;

void Compressor::write(std::span<const std::byte> bytes) {
    if (!engine_) return output_(bytes);
    while (!bytes.empty()) {
        if (pieces_.empty() || pieces_.back().size() == piece_size_) {
            if (pieces_.size() == batch_) compress_pieces();
            pieces_.emplace_back().reserve(piece_size_);
        }
        Bytes& piece = pieces_.back();
        const auto part = bytes.first(std::min(bytes.size(), piece_size_ - piece.size()));
        piece.insert(piece.end(), part.begin(), part.end());
        bytes = bytes.subspan(part.size());
    }
}

void Compressor::finish() {
    if (!engine_) return;
    if (pieces_.empty() && !any_) pieces_.emplace_back();
    compress_pieces();
}

void Compressor::compress_pieces() {
    any_ = any_ || !pieces_.empty();
    size_t next = 0;
    engine_->pool.run([&](Piece& piece) {
        if (next == pieces_.size()) return false;
        piece.plain = std::move(pieces_[next++]);
        return true;
    });
    pieces_.clear();
}

}  // namespace gbuild::exporter
