// Where a download goes: append-only, so that a transfer can stop and go on, in this process or in a later one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gbuild {

class BlobSink {
  public:
    virtual ~BlobSink() = default;
    // Bytes held so far; a transfer goes on from here.
    virtual uint64_t received() const = 0;
    // Throws io, no_space, or integrity when this is more than the blob's size.
    virtual void append(std::span<const std::byte> bytes) = 0;
    // Forgets everything: received() is 0 again. For bytes that turned out to be wrong.
    virtual void restart() = 0;
};

}  // namespace gbuild
