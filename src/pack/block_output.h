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

  private:
    void copy_head(const BlockJob& job);
    int fd_;
    uint64_t position_ = 0;  // where the next byte goes, the buffer's included
    std::vector<std::byte> buffer_;
    std::vector<Fragment> fragments_;
};

}  // namespace gbuild::pack
