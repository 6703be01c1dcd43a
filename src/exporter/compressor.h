// Compresses a stream in pieces of fixed length, by several threads: each piece becomes a gzip member or zstd frame of
// its own, which every reader of the formats takes one after the other (RFC 1952, 2.2; RFC 8878, 3.1). So the bytes are
// a function of the stream and the level alone.
#pragma once

#include <memory>
#include <vector>

#include "gbuild/exporter/layer.h"

namespace gbuild::exporter {

class Compressor {
  public:
    Compressor(Compression compression, int level, unsigned threads, ByteConsumer output);
    ~Compressor();

    void write(std::span<const std::byte> bytes);
    // An empty stream becomes one empty piece.
    void finish();

  private:
    struct Piece;
    class PieceCompressor;
    class GzipPieces;
    class ExhaustiveGzipPieces;
    class ZstdPieces;
    struct Engine;
    void compress_pieces();

    ByteConsumer output_;
    size_t piece_size_;
    size_t batch_;                                // pieces compressed at a time
    std::vector<std::vector<std::byte>> pieces_;  // the last one may not be full
    std::unique_ptr<Engine> engine_;              // null: nothing is compressed
    bool any_ = false;
};

}  // namespace gbuild::exporter
