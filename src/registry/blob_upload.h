// One blob into a registry, over as many requests as it takes (distribution-spec 1.1, "Pushing blobs").
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "gbuild/oci/manifest.h"
#include "gbuild/registry/image_destination.h"
#include "gbuild/registry/retry.h"
#include "http_errors.h"
#include "transport.h"

namespace gbuild::registry {

class BlobUpload {
  public:
    // Sends a request as the registry's authorisation needs it.
    using Send = std::function<Response(Request)>;
    struct Target {
        Url uploads;                   // ".../blobs/uploads/"
        std::function<bool()> has_it;  // whether the blob is there by now
        Subject subject;
        uint64_t chunk;  // bytes of one request at most
    };

    // All of these must outlive the upload.
    BlobUpload(const oci::Descriptor& blob, const BlobContent& content, Target target, const UploadProgress& progress);

    // Returns when the registry has the blob.
    void run(const Send& send, Retrier& retrier);

  private:
    void attempt(const Send& send);
    void begin(const Send& send);
    void catch_up(const Send& send);
    bool send_chunks(const Send& send);
    bool send_chunk(const Send& send);
    void commit(const Send& send);
    Request request_for(const char* method, uint64_t size) const;
    void take_location(const Response& response);
    void take_offset(const Response& response, uint64_t sent_to);
    void start_over();
    [[noreturn]] void throw_lost(const Response& response);
    [[noreturn]] void throw_wrong_digest(const Response& response);

    const oci::Descriptor& blob_;
    const BlobContent& content_;
    Target target_;
    const UploadProgress& progress_;
    std::optional<Url> location_;  // where the upload goes on; none before its beginning
    uint64_t offset_ = 0;          // what the registry has, as far as is known
    uint64_t farthest_ = 0;        // what it had at most: the same bytes once more are no progress
    uint64_t chunk_size_;
    bool in_chunks_;
    bool in_step_ = true;        // offset_ is sure
    bool may_be_there_ = false;  // the last answer got lost
};

}  // namespace gbuild::registry
