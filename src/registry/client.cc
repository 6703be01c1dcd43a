#include "gbuild/registry/client.h"

#include <fmt/format.h>

#include "authorizer.h"
#include "blob_download.h"
#include "endpoint.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/registry/retry.h"
#include "registry_destination.h"
#include "registry_image.h"
#include "session.h"

namespace gbuild::registry {

struct Client::State {
    explicit State(ClientOptions given) :
        options(std::move(given)),
        hosts(options),
        transport(timeouts_of(options), hosts),
        credentials(auth_files(options.authfile), options.notice, options.helper_timeout, options.credential),
        authorizer(transport, credentials),
        session(transport, authorizer) {}

    Endpoints endpoints(const std::string& registry) {
        auto known = endpoints_by_registry.lock();
        auto& found = (*known)[registry];
        if (found.empty()) {
            auto mirrors = options.mirrors.find(registry);
            found = endpoints_of(
                registry, mirrors == options.mirrors.end() ? std::vector<std::string>{} : mirrors->second, hosts);
        }
        return found;
    }
    RetryPolicy retry_policy() const {
        RetryPolicy policy;
        policy.max_attempts = options.max_attempts;
        policy.first_delay = options.first_delay;
        policy.max_retry_after = options.max_retry_after;
        policy.notice = options.notice;
        return policy;
    }

    const ClientOptions options;
    HostSettings hosts;
    Transport transport;
    CredentialStore credentials;
    Authorizer authorizer;
    Session session;
    Synchronized<std::map<std::string, Endpoints>> endpoints_by_registry;
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Client::~Client() = default;

std::unique_ptr<ImageSource> Client::image(const oci::Reference& reference) {
    return std::make_unique<RegistryImage>(reference, state_->endpoints(reference.registry()), state_->transport,
                                           state_->session, state_->retry_policy());
}

std::unique_ptr<ImageDestination> Client::destination(const oci::Reference& reference) {
    return std::make_unique<RegistryDestination>(reference, state_->endpoints(reference.registry()).back(),
                                                 state_->transport, state_->session, state_->retry_policy(),
                                                 state_->options.upload_chunk);
}

}  // namespace gbuild::registry
