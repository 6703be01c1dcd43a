// Streams of bytes, pulled in runs without copying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"

namespace gbuild {

class ByteSource {
  public:
    virtual ~ByteSource() = default;
    // The next run of bytes; empty at the end, and from then on. Valid until the next call. Throws what the source
    // throws; after an exception the source must not be used again.
    virtual std::span<const std::byte> next() = 0;
};

// A file from its current position to its end. Owns the descriptor.
class FileSource : public ByteSource {
  public:
    explicit FileSource(UniqueFd fd, size_t buffer_size = size_t{256} * 1024);
    std::span<const std::byte> next() override;

  private:
    UniqueFd fd_;
    std::unique_ptr<std::byte[]> buffer_;
    size_t size_;
};

// Bytes in memory, which must outlive the source.
class MemorySource : public ByteSource {
  public:
    explicit MemorySource(std::span<const std::byte> bytes, size_t run = SIZE_MAX) : rest_(bytes), run_(run) {}
    std::span<const std::byte> next() override;

  private:
    std::span<const std::byte> rest_;
    size_t run_;
};

// Passes bytes through and, at the end, checks their digest and (when given) their size: an integrity error that names
// `what` otherwise. More bytes than `size` fail at once.
class VerifyingSource : public ByteSource {
  public:
    VerifyingSource(std::unique_ptr<ByteSource> inner, Digest expected, std::optional<uint64_t> size, std::string what);
    std::span<const std::byte> next() override;

  private:
    std::unique_ptr<ByteSource> inner_;
    Digest expected_;
    std::optional<uint64_t> size_;
    std::string what_;
    Hasher hasher_;
    uint64_t seen_ = 0;
    bool done_ = false;
};

}  // namespace gbuild
