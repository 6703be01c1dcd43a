// An image while it is downloaded: a file beside its target, which another run can go on with.
#pragma once

#include <filesystem>

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/digest.h"
#include "gbuild/base/fd.h"
#include "gbuild/golem/image_hash.h"

namespace gbuild::publish {

// For one thread. Destroying it without finish() keeps what came, unless that is nothing.
class ImageDownload : public BlobSink {
  public:
    // Hashes what is there of an earlier run. Throws conflict when another process has the file.
    ImageDownload(const std::filesystem::path& target, golem::ImageHash hash, uint64_t size);
    ImageDownload(const ImageDownload&) = delete;
    ImageDownload& operator=(const ImageDownload&) = delete;
    ~ImageDownload() override;

    uint64_t received() const override { return received_; }
    void append(std::span<const std::byte> bytes) override;
    void restart() override;

    // Gives it its name. Throws integrity, and removes it, when its hash is another one.
    void finish();
    const std::filesystem::path& partial() const { return partial_; }

  private:
    void hash_what_is_there();

    std::filesystem::path target_, partial_;
    golem::ImageHash hash_;
    uint64_t size_;
    UniqueFd fd_;
    Hasher hasher_{HashAlgorithm::sha3_224};
    uint64_t received_ = 0;
    bool done_ = false;
};

}  // namespace gbuild::publish
