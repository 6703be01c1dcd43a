#include "sparse_extents.h"

namespace gbuild::exporter {
namespace {

constexpr uint64_t worthwhile = uint64_t{1} << 30;
constexpr uint64_t smallest_hole = uint64_t{1} << 20;
// Go's reader takes maps of up to a mebibyte.
constexpr size_t most_extents = 16'384;

// Holes shorter than `shortest` do not count as such.
std::vector<TarWriter::Extent> extents_of(const pack::PackedFile& file, uint32_t block_size, uint64_t shortest) {
    std::vector<TarWriter::Extent> extents = {{0, 0}};
    uint64_t at = 0;
    for (const uint32_t entry : file.blocks) {
        const uint64_t length = pack::blocks_of(entry) * block_size;
        at += length;
        if (pack::is_hole(entry) && length >= shortest) {
            extents.push_back({at, 0});
        } else {
            extents.back().length += length;
        }
    }
    extents.back().length += file.size - at;
    if (extents.size() > 1 && extents.back().length == 0) extents.pop_back();
    return extents;
}

}  // namespace

std::vector<TarWriter::Extent> sparse_extents(const pack::PackedFile& file, uint32_t block_size) {
    if (file.sparse < worthwhile) return {};
    uint64_t shortest = smallest_hole;
    std::vector<TarWriter::Extent> extents = extents_of(file, block_size, shortest);
    while (extents.size() > most_extents) extents = extents_of(file, block_size, shortest *= 2);
    return extents;
}

}  // namespace gbuild::exporter
