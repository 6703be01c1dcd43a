// The growing pack file: finished blocks in their final order, then the index.
#pragma once

#include <vector>

#include "block_job.h"
#include "gbuild/pack/pack.h"

namespace gbuild::pack {

class BlockOutput {
  public:
    explicit BlockOutput(int fd);
    // Puts the job's block at the end and records where it is. One caller at a time, in the order of production.
    void write(const BlockJob& job);
    void append(std::span<const std::byte> bytes);
    void flush();
    uint64_t position() const { return position_; }
    std::span<const Fragment> fragments() const { return fragments_; }
    // CRC-32 of each region written so far, the last one perhaps not full.
    std::span<const uint32_t> region_sums() const { return region_sums_; }

  private:
    void copy_head(const BlockJob& job);
    void add_to_sums(std::span<const std::byte> bytes);
    int fd_;
    uint64_t position_ = 0;  // where the next byte goes, the buffer's included
    std::vector<std::byte> buffer_;
    std::vector<Fragment> fragments_;
    std::vector<uint32_t> region_sums_;
};

}  // namespace gbuild::pack
