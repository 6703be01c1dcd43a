// One image on its way into the registry: descriptor, chunks, tags, in this order.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "gbuild/publish/publisher.h"
#include "registry_api.h"

namespace gbuild::publish {

class ChunkUpload;

class ImagePush {
  public:
    // All of these must outlive the push. Throws not_found, io.
    ImagePush(RegistryApi& api, const PushJob& job, std::chrono::seconds patience, EventSink& events);

    PushResult run(const std::stop_token& stop);

  private:
    void describe(const std::stop_token& stop);
    // Makes sure that the registry knows the descriptor.
    UploadState register_descriptor(const std::stop_token& stop);
    void check_names(const std::stop_token& stop);
    void send_chunks(const UploadState& first, const std::stop_token& stop);
    std::optional<UploadState> wait_until_full(ChunkUpload& upload, const std::stop_token& stop);
    [[noreturn]] void give_up_waiting(const UploadState& last) const;
    void attach(const std::stop_token& stop);
    ResolvedImage verified(const std::string& query, const std::string& what, const std::stop_token& stop);

    RegistryApi& api_;
    const PushJob& job_;
    std::chrono::seconds patience_;
    EventSink& events_;
    std::shared_ptr<const UniqueFd> fd_;
    std::string label_, id_;
    PushResult result_;
};

}  // namespace gbuild::publish
