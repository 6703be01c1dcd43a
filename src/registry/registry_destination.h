// An image's place in its registry, to be written.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "endpoint.h"
#include "gbuild/oci/reference.h"
#include "gbuild/registry/image_destination.h"
#include "gbuild/registry/retry.h"
#include "session.h"

namespace gbuild::registry {

class RegistryDestination : public ImageDestination {
  public:
    RegistryDestination(oci::Reference reference, std::shared_ptr<Endpoint> endpoint, Transport& transport,
                        Session& session, RetryPolicy policy, uint64_t chunk) :
        reference_(std::move(reference)),
        endpoint_(std::move(endpoint)),
        transport_(transport),
        session_(session),
        policy_(std::move(policy)),
        chunk_(chunk) {}

    std::string name() const override { return reference_.text(); }
    bool has_blob(const oci::Descriptor& blob, std::stop_token stop) override;
    void put_blob(const oci::Descriptor& blob, const BlobContent& content, std::stop_token stop,
                  const UploadProgress& progress) override;
    void put_manifest(std::string_view json, const std::string& media_type, std::stop_token stop) override;

  private:
    bool ask_for_blob(const oci::Descriptor& blob, const std::stop_token& stop);
    Response send(const Place& place, Request request, const std::stop_token& stop);
    Place place(const std::string& what, const std::stop_token& stop);
    std::string blob_name(const oci::Descriptor& blob) const;

    oci::Reference reference_;
    std::shared_ptr<Endpoint> endpoint_;
    Transport& transport_;
    Session& session_;
    RetryPolicy policy_;
    uint64_t chunk_;
};

}  // namespace gbuild::registry
