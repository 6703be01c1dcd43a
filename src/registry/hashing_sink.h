// A sink in front of another that knows the digest of what went through.
#pragma once

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/digest.h"

namespace gbuild::registry {

class HashingSink : public BlobSink {
  public:
    HashingSink(BlobSink& inner, const Digest& expected) :
        inner_(inner), expected_(expected), hasher_(expected.algorithm()), saw_all_(inner.received() == 0) {}

    uint64_t received() const override { return inner_.received(); }
    void append(std::span<const std::byte> bytes) override {
        inner_.append(bytes);
        if (saw_all_) hasher_.update(bytes);
    }
    void restart() override {
        inner_.restart();
        hasher_ = Hasher(expected_.algorithm());
        saw_all_ = true;
    }

    // Once the last byte is there, and once only. Bytes that the inner sink had from the start cannot be vouched for,
    // and are not held against anybody.
    bool is_wrong() { return saw_all_ && hasher_.finish_hex() != expected_.hex(); }

  private:
    BlobSink& inner_;
    const Digest& expected_;
    Hasher hasher_;
    bool saw_all_;
};

}  // namespace gbuild::registry
