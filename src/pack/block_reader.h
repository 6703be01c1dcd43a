// Reading squashfs blocks back, from a pack or an image. Sizes and positions come from outside: what they claim is
// checked.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "gbuild/pack/codec.h"
#include "gbuild/pack/pack.h"

namespace gbuild::pack {

class BlockReader {
  public:
    // Fills `out` from `position` on, or throws.
    using Read = std::function<void(std::span<std::byte> out, uint64_t position)>;

    // No block lies behind `end`; `what` names the file in errors.
    BlockReader(Read read, Codec codec, uint32_t block_size, uint64_t end, std::string what);

    // The block at `position` with on-disk size `size` (its stored bit included). Throws integrity when it is damaged
    // or longer than a block. Valid until the next call.
    std::span<const std::byte> block(uint64_t position, uint32_t size);
    // As block(); the last one asked for is kept, since files that follow each other share fragments.
    std::span<const std::byte> fragment(uint64_t position, uint32_t size);

    uint32_t block_size() const { return block_size_; }
    const std::string& what() const { return what_; }

  private:
    struct Buffer {
        std::unique_ptr<std::byte[]> bytes;
        size_t length = 0;
    };
    void load(uint64_t position, uint32_t size, Buffer& into);

    Read read_;
    uint32_t block_size_;
    uint64_t end_;
    std::string what_;
    std::unique_ptr<BlockDecompressor> decompressor_;
    std::unique_ptr<std::byte[]> disk_;
    Buffer block_, fragment_;
    std::optional<uint64_t> fragment_at_;
};

// Where a file's bytes are.
struct ContentPlace {
    uint64_t size = 0;
    uint64_t start = 0;
    std::span<const uint32_t> blocks;  // entries of BlockSizes
    // Not used when `fragment_size` is 0: then the last block holds the file's end.
    uint64_t fragment_position = 0;
    uint32_t fragment_size = 0;
    uint32_t fragment_offset = 0;
};

ContentPlace place_of(const Pack& pack, const PackedFile& file);

// A file's contents in runs of at most a block, or of holes, each valid until the next. Throws integrity when the
// blocks do not make up the size. The reader and what `place` points to must outlive it.
class ContentRuns {
  public:
    ContentRuns(BlockReader& reader, const ContentPlace& place) :
        reader_(reader), place_(place), left_(place.size), position_(place.start) {}
    // Empty at the end.
    ContentRun next();

  private:
    ContentRun next_block();
    std::span<const std::byte> next_tail();

    BlockReader& reader_;
    ContentPlace place_;
    uint64_t left_;
    uint64_t position_;
    size_t entry_ = 0;  // of `place_.blocks`
};

void read_content(BlockReader& reader, const ContentPlace& place, const TakeRun& take);

}  // namespace gbuild::pack
