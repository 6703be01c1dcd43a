// Contents whose zeros take no room.
#pragma once

#include <cstdint>
#include <span>

#include "gbuild/base/fd.h"

namespace gbuild::layer {

// Writes a file's contents in order; runs of zeros become holes. A hole at the end is not written.
class SparseWriter {
  public:
    explicit SparseWriter(int fd) : fd_(fd) {}
    void write(std::span<const std::byte> bytes);
    uint64_t written() const { return at_; }
    bool ends_in_hole() const { return end_of_data_ < at_; }

  private:
    int fd_;
    uint64_t at_ = 0;
    uint64_t end_of_data_ = 0;
};

}  // namespace gbuild::layer
