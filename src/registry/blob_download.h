// One blob into its sink, over as many requests as it takes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gbuild/base/blob_sink.h"
#include "gbuild/oci/manifest.h"
#include "gbuild/registry/retry.h"
#include "http_errors.h"
#include "transport.h"

namespace gbuild::registry {

class BlobDownload : public BodyReceiver {
  public:
    // Sends one request with these headers added.
    using Get = std::function<Response(std::vector<std::string> headers, BodyReceiver& receiver)>;

    BlobDownload(const oci::Descriptor& blob, Subject subject, BlobSink& sink) :
        blob_(blob), subject_(std::move(subject)), sink_(sink) {}

    // Returns when the sink has all bytes of the blob; whether they are right is for their digest to say.
    void run(const Get& get, Retrier& retrier);

    void start(const Response& response) override;
    void write(std::span<const std::byte> bytes) override;

  private:
    void attempt(const Get& get);
    void check_range(const Response& response);
    void check_encoding(const Response& response) const;

    const oci::Descriptor& blob_;
    Subject subject_;
    BlobSink& sink_;
    bool use_ranges_ = true;  // until the server shows that it cannot
    uint64_t asked_from_ = 0;
    uint64_t skip_ = 0;  // bytes of this answer that the sink has already
};

}  // namespace gbuild::registry
