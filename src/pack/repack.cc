#include "repack.h"

#include <cstring>

#include "block_job.h"
#include "block_reader.h"
#include "gbuild/base/error.h"
#include "gbuild/base/ordered_pool.h"
#include "pack_data.h"
#include "pack_format.h"
#include "slots.h"

namespace gbuild::pack {
namespace {

// Reads tails out of the packs, one pack at a time as the moves are sorted.
class TailReader {
  public:
    explicit TailReader(const PackSet& packs) : packs_(packs) {}

    std::span<const std::byte> read(const TailMove& move) {
        const Pack& pack = packs_.at(move.pack);
        if (!reader_ || pack_ != move.pack) {
            const PackOptions& options = packs_.options();
            reader_.reset();
            data_.emplace(pack);
            reader_.emplace(data_->reader(), options.codec, options.block_size, pack.data_end(), "the pack");
            pack_ = move.pack;
        }
        const Fragment& source = pack.fragments()[move.fragment];
        const std::span<const std::byte> fragment = reader_->fragment(source.position, source.size);
        if (fragment.size() != source.length) {
            throw Error(ErrorKind::integrity, "the pack is damaged: a fragment has another length than its index says");
        }
        return fragment.subspan(move.offset, move.length);
    }

  private:
    const PackSet& packs_;
    std::optional<PackData> data_;
    std::optional<BlockReader> reader_;
    uint32_t pack_ = 0;
};

}  // namespace

std::vector<Fragment> repack_tails(const PackSet& packs, std::span<const TailMove> moves, unsigned threads,
                                   const std::stop_token& stop, int fd, uint64_t position) {
    std::vector<Fragment> fragments;
    if (moves.empty()) return fragments;
    const PackOptions& options = packs.options();
    TailReader tails(packs);

    const auto fill = [&](Block& block) {
        if (moves.empty()) return false;
        if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted while writing the image");
        block.reserve(options.block_size);
        block.size = 0;
        const uint32_t target = moves.front().target;
        for (; !moves.empty() && moves.front().target == target; moves = moves.subspan(1)) {
            const std::span<const std::byte> tail = tails.read(moves.front());
            std::memcpy(block.in.get() + block.size, tail.data(), tail.size());
            block.size += static_cast<uint32_t>(tail.size());
        }
        return true;
    };
    const auto write = [&](Block& block) {
        pwrite_all(fd, block.disk(), position);
        fragments.push_back({position, block.disk_size(), block.size});
        position += disk_bytes(block.disk_size());
    };
    OrderedPool<Block, BlockCompressor> pool(
        threads, slots_for(threads, options.block_size), [&] { return make_compressor(options); },
        [](Block& block, BlockCompressor& compressor) { block.compress(compressor); }, write);
    pool.run(fill);
    return fragments;
}

}  // namespace gbuild::pack
