// Contents whose zeros take no room.
#pragma once

#include "gbuild/base/content_run.h"
#include "gbuild/base/fd.h"
#include <cstdint>

namespace gbuild::layer {

// Writes a file's contents in order; runs of zeros become holes. A hole at the end is not written.
class SparseWriter {
  public:
    explicit SparseWriter(int fd) : fd_(fd) {}
    void write(const ContentRun& run);
    uint64_t written() const { return at_; }
    bool ends_in_hole() const { return end_of_data_ < at_; }

  private:
    void write_bytes(std::span<const std::byte> bytes);
    int fd_;
    uint64_t at_ = 0;
    uint64_t end_of_data_ = 0;
};

}  // namespace gbuild::layer
