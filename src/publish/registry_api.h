// The calls of the Golem registry, one function each. What comes back is hostile: sizes are capped, types checked, and
// text for messages made safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/golem/descriptor.h"
#include "gbuild/publish/login.h"
#include "gbuild/publish/registry_name.h"
#include "gbuild/publish/registry_place.h"
#include "gbuild/publish/resolve.h"
#include "gbuild/registry/web.h"

namespace gbuild::publish {

// What the registry has of an upload.
struct UploadState {
    bool known = false;           // its descriptor is there
    bool full = false;            // all chunks are there, and checked
    bool has_status = false;      // whether it says so at all
    std::vector<bool> has_chunk;  // one for each chunk of the descriptor; what the registry does not list is not there
    bool has_all() const;
};

enum class Attach {
    check,  // whether the registry would do it
    real,
};

// Thread-safe. All calls try again where that may help, and throw interrupted, network, and for refusals: unauthorized
// (401, 403), not_found (404), conflict (409), limit (413), network (others), with the registry's reason.
class RegistryApi {
  public:
    RegistryApi(RegistryPlace place, registry::WebClient& web) : place_(std::move(place)), web_(web) {}

    const RegistryPlace& place() const { return place_; }

    void check_login(const Login& login, const std::stop_token& stop);
    UploadState upload_state(const golem::Descriptor& descriptor, const std::string& id, const std::stop_token& stop);
    void send_descriptor(const golem::Descriptor& descriptor, const std::stop_token& stop);
    void attach(const std::string& id, const RegistryName& name, const Login& login, Attach how,
                const std::stop_token& stop);
    // nullopt: the registry does not know it.
    std::optional<ResolvedImage> find(const std::string& query, const std::stop_token& stop);

    // One attempt of sending a chunk. The answer may have any status.
    registry::ApiAnswer send_chunk(const golem::Descriptor& descriptor, const std::string& id, size_t number,
                                   std::shared_ptr<const registry::BlobContent> file,
                                   std::function<void(uint64_t)> progress, const std::stop_token& stop);
    // Throws what the answer to a request means: a TransientError for 408, 429 and 5xx. `doing` is "sending chunk 3".
    [[noreturn]] void throw_refusal(const registry::ApiAnswer& answer, const std::string& doing,
                                    const std::string& secret = {}) const;
    registry::RetryPolicy retry_policy() const { return web_.retry_policy(); }

  private:
    std::string url(std::string_view path) const { return place_.url() + std::string(path); }

    RegistryPlace place_;
    registry::WebClient& web_;
};

// What a server says of a failure, fit to be shown: the message in its JSON, the text of its HTML, else the text, on
// one line, without control characters, at most 300 bytes, and with "***" for `secret`. "" when it says nothing.
std::string shown_reason(const std::string& body, const std::string& secret = {});

}  // namespace gbuild::publish
