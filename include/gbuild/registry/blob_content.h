// The bytes of a blob that is to be sent: readable from any place and as often as it takes, since an upload may have to
// begin again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gbuild/base/fd.h"

namespace gbuild::registry {

// Thread-safe.
class BlobContent {
  public:
    virtual ~BlobContent() = default;
    virtual uint64_t size() const = 0;
    // Fills all of `out` with the bytes from `offset` on, which must lie inside. Throws io, and integrity when what
    // lies underneath has become shorter.
    virtual void read(uint64_t offset, std::span<std::byte> out) const = 0;
};

// A stretch of an open file. Moves no file position: contents may share a file.
class FileContent : public BlobContent {
  public:
    // Precondition: `fd` is open for reading.
    FileContent(std::shared_ptr<const UniqueFd> fd, uint64_t offset, uint64_t size) :
        fd_(std::move(fd)), offset_(offset), size_(size) {}
    // The whole file. Throws io.
    explicit FileContent(UniqueFd fd);

    uint64_t size() const override { return size_; }
    void read(uint64_t offset, std::span<std::byte> out) const override;

  private:
    std::shared_ptr<const UniqueFd> fd_;
    uint64_t offset_ = 0;
    uint64_t size_;
};

class TextContent : public BlobContent {
  public:
    explicit TextContent(std::string text) : text_(std::move(text)) {}

    uint64_t size() const override { return text_.size(); }
    void read(uint64_t offset, std::span<std::byte> out) const override;

  private:
    std::string text_;
};

}  // namespace gbuild::registry
