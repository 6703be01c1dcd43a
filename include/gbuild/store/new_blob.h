// A blob whose digest and size nobody knows before its last byte.
#pragma once

#include <filesystem>

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"

namespace gbuild::store {

// Destroying it without commit() leaves nothing behind.
class NewBlob : public BlobSink {
  public:
    // Collected in `staging`, which is on one file system with `blobs`, the store's directory of sha256 blobs. More
    // than `cap` bytes are a limit error.
    NewBlob(std::filesystem::path blobs, const std::filesystem::path& staging, uint64_t cap);
    NewBlob(const NewBlob&) = delete;
    NewBlob& operator=(const NewBlob&) = delete;
    ~NewBlob() override;

    uint64_t received() const override { return received_; }
    void append(std::span<const std::byte> bytes) override;
    void restart() override;

    // The sha256 of all that was appended; to be called once, after the last byte.
    Digest finish();
    // Moves the blob to its place. After finish().
    void commit();

  private:
    std::filesystem::path blobs_;
    std::filesystem::path temporary_;
    uint64_t cap_;
    UniqueFd fd_;
    Hasher hasher_{HashAlgorithm::sha256};
    uint64_t received_ = 0;
    Digest digest_;
};

}  // namespace gbuild::store
