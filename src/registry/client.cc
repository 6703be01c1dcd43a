#include "gbuild/registry/client.h"

#include <fmt/format.h>

#include "authorizer.h"
#include "blob_download.h"
#include "endpoint.h"
#include "gbuild/base/error.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/retry.h"
#include "registry_destination.h"
#include "registry_image.h"
#include "session.h"

namespace gbuild::registry {

struct Client::State {
    using Mirrors = std::vector<std::string>;

    explicit State(ClientOptions given) :
        options(std::move(given)),
        hosts(options),
        transport(timeouts_of(options), hosts),
        credentials(auth_files(options.authfile), options.notice, options.helper_timeout, options.credential),
        authorizer(transport, credentials),
        session(transport, authorizer) {}

    // Of an image to be read.
    Endpoints endpoints(const oci::Reference& reference) {
        const std::string& registry = reference.registry();
        const LocationRule* rule = rule_for(options.rules, reference);
        if (rule && rule->blocked) throw_blocked(reference, *rule);
        const auto mirrors = options.mirrors.find(registry);
        if (mirrors != options.mirrors.end()) rule = nullptr;
        std::string key = registry;
        if (rule) key += fmt::format(" {} {}", rule->prefix, reference.digest().has_value());
        auto known = endpoints_by_registry.lock();
        Endpoints& found = (*known)[key];
        if (!found.empty()) return found;
        found = rule ? endpoints_of(reference, *rule, hosts)
                     : endpoints_of(registry, mirrors != options.mirrors.end() ? mirrors->second : Mirrors(), hosts);
        return found;
    }
    // The registry that an image is written to: neither mirrors nor rules change it.
    std::shared_ptr<Endpoint> registry(const std::string& name) { return endpoints_of(name, {}, hosts).back(); }

    [[noreturn]] static void throw_blocked(const oci::Reference& reference, const LocationRule& rule) {
        throw Error(ErrorKind::usage, fmt::format("{} blocks images of {}, such as {}", quoted(rule.file),
                                                  quoted(rule.prefix), reference.text()))
            .hint("name another image, or pass --registry-config FILE, which is then the only file that is read");
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
    return std::make_unique<RegistryImage>(reference, state_->endpoints(reference), state_->transport, state_->session,
                                           state_->retry_policy());
}

std::unique_ptr<ImageDestination> Client::destination(const oci::Reference& reference) {
    return std::make_unique<RegistryDestination>(reference, state_->registry(reference.registry()), state_->transport,
                                                 state_->session, state_->retry_policy(), state_->options.upload_chunk);
}

}  // namespace gbuild::registry
