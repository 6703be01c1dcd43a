// Reading the blocks of a pack, which has been on disk since who knows when: each region is checked against its sum
// before a byte of it is given out.
#pragma once

#include <memory>
#include <optional>

#include "block_reader.h"
#include "gbuild/pack/pack.h"

namespace gbuild::pack {

class PackData {
  public:
    // The pack must outlive it.
    explicit PackData(const Pack& pack);

    // Up to `length` bytes from `position` on: those in its region. Valid until the next call. Throws integrity, io,
    // and then the pack is marked as damaged.
    std::span<const std::byte> run(uint64_t position, uint64_t length);
    // For a BlockReader, which this object must outlive.
    BlockReader::Read reader();

  private:
    void load(uint64_t region);
    const Pack& pack_;
    std::unique_ptr<std::byte[]> bytes_;
    std::optional<uint64_t> loaded_;  // which region is in `bytes_`; neighbours are asked for one after the other
};

}  // namespace gbuild::pack
