// An image in a registry: manifests and blobs, from the first of its endpoints that has them.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "endpoint.h"
#include "gbuild/oci/reference.h"
#include "gbuild/registry/image_source.h"
#include "gbuild/registry/retry.h"
#include "hashing_sink.h"
#include "session.h"

namespace gbuild::registry {

class RegistryImage : public ImageSource {
  public:
    RegistryImage(oci::Reference reference, Endpoints endpoints, Transport& transport, Session& session,
                  RetryPolicy policy) :
        reference_(std::move(reference)),
        endpoints_(std::move(endpoints)),
        transport_(transport),
        session_(session),
        policy_(std::move(policy)) {}

    std::string name() const override { return reference_.text(); }
    ManifestDocument root_manifest(std::stop_token stop) override;
    ManifestDocument manifest(const oci::Descriptor& descriptor, std::stop_token stop) override;
    void fetch_blob(const oci::Descriptor& descriptor, BlobSink& sink, std::stop_token stop) override;

  private:
    struct Wanted {
        std::string identifier;  // tag or digest
        std::optional<Digest> digest;
        std::optional<uint64_t> size;
        std::string what;
    };
    ManifestDocument get_manifest(const Wanted& wanted, const std::stop_token& stop);
    ManifestDocument get_manifest_from(Endpoint& endpoint, const Wanted& wanted, const std::stop_token& stop);
    void fetch_from(Endpoint& endpoint, const oci::Descriptor& descriptor, BlobSink& sink, Retrier& retrier,
                    const std::stop_token& stop);
    // The same, and the bytes are right as far as `sink` can tell.
    void fetch_checked_from(Endpoint& endpoint, const oci::Descriptor& descriptor, HashingSink& sink, Retrier& retrier,
                            const std::stop_token& stop);
    // From the places that the manifest itself names (foreign layers).
    void fetch_from_urls(const oci::Descriptor& descriptor, BlobSink& sink, const std::stop_token& stop);
    Url checked_foreign_url(const std::string& text) const;
    Place place(Endpoint& endpoint, const std::string& what, const std::stop_token& stop);
    // body(endpoint, retrier) at each endpoint in order; a mirror's failure leads to the next endpoint.
    template <class Body>
    auto at_endpoints(const std::stop_token& stop, Body&& body);
    void leave_mirror(Endpoint& mirror, const Error& error);

    oci::Reference reference_;
    Endpoints endpoints_;
    Transport& transport_;
    Session& session_;
    RetryPolicy policy_;
};

}  // namespace gbuild::registry
