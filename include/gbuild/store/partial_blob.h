// A blob while it is downloaded: appended to by one thread, followed by readers in others.
#pragma once

#include <exception>
#include <filesystem>
#include <memory>
#include <stop_token>

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/byte_source.h"
#include "gbuild/base/digest.h"

namespace gbuild::store {

// Bytes already there (from an interrupted run) are hashed on construction. Destroying it without finish() keeps the
// file for a later run, unless it was found to be wrong.
class PartialBlob : public BlobSink {
  public:
    // Waits while somebody else has the file, be it to remove it; throws interrupted once a stop is requested.
    PartialBlob(std::filesystem::path partial, std::filesystem::path target, Digest digest, uint64_t size,
                const std::stop_token& stop = {});
    ~PartialBlob() override;

    uint64_t received() const override;
    void append(std::span<const std::byte> bytes) override;
    // Readers that have read anything fail with an integrity error.
    void restart() override;

    // The last byte is there: checks size and digest and moves the blob to its place. On a mismatch the file is
    // removed, readers fail, and an integrity error is thrown.
    void finish();
    // Nobody is to go on from these bytes: removes the file unless it was finished.
    void discard();
    // The download failed for good: readers get this exception.
    void fail(std::exception_ptr error);

    // Follows the blob from its first byte, waiting for what is not there yet; ends after finish(). Throws what fail()
    // was given. Must not outlive the PartialBlob.
    std::unique_ptr<ByteSource> reader();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::store
