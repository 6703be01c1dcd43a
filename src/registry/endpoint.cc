#include "endpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/retry.h"
#include "http_errors.h"

namespace gbuild::registry {

namespace {

constexpr size_t max_ping_body = 64u << 10;

// https for all but two: loopback is tried in the clear first, a host that may be insecure afterwards.
std::vector<std::string> protocols_for(const Url& https, HostSettings& hosts) {
    if (is_loopback(https.host) && !hosts.tls(https)->named) return {"http", "https"};
    if (hosts.insecure(https)) return {"https", "http"};
    return {"https"};
}

std::shared_ptr<Endpoint> mirror_endpoint(const std::string& mirror, size_t replaced, HostSettings& hosts) {
    bool has_scheme = mirror.find("://") != std::string::npos;
    auto url = Url::parse(has_scheme ? mirror : "https://" + mirror);
    if (!url || !url->query.empty() || mirror.find('@') != std::string::npos) {
        throw Error(ErrorKind::usage, fmt::format("{} is no registry mirror", quoted(without_user_info(mirror))))
            .hint("write HOST[:PORT][/PREFIX] or an http(s) URL without user name and query");
    }
    std::string prefix = url->path.substr(1);
    while (prefix.ends_with('/')) prefix.pop_back();
    if (!prefix.empty()) prefix += '/';
    auto protocols = has_scheme ? std::vector{url->scheme} : protocols_for(*url, hosts);
    std::string name = url->authority();
    return std::make_shared<Endpoint>(Endpoint::Role::mirror, name, *url, Endpoint::Prefix{prefix, replaced},
                                      std::move(protocols));
}

std::shared_ptr<Endpoint> registry_endpoint(const std::string& registry, Endpoint::Prefix prefix, HostSettings& hosts) {
    auto url = Url::parse("https://" + (registry == "docker.io" ? "registry-1.docker.io" : registry));
    if (!url) throw Error(ErrorKind::usage, fmt::format("{} is no registry", quoted(registry)));
    return std::make_shared<Endpoint>(Endpoint::Role::registry, registry, *url, std::move(prefix),
                                      protocols_for(*url, hosts));
}

// Go's and nginx' words to a client that speaks HTTP where TLS is wanted.
bool wants_tls(const Response& response) {
    return response.status == 400 && response.error_body.find("HTTPS") != std::string::npos;
}

bool is_transient_error(const Error& error) { return dynamic_cast<const TransientError*>(&error) != nullptr; }
bool is_lost(const Error& error) { return dynamic_cast<const ConnectionLost*>(&error) != nullptr; }

// Whether the other protocol may succeed where this one failed so.
bool may_be_the_protocol(const Error& error, const std::string& protocol) {
    if (error.kind() != ErrorKind::network) return false;
    return protocol == "https" || !is_transient_error(error) || is_lost(error);
}

// Why the first protocol would not do.
struct FirstFailure {
    std::string protocol, message;
    bool lost;
};

[[noreturn]] void throw_neither(const FirstFailure& first, const Error& second, const std::string& protocol) {
    std::string message =
        fmt::format("over {}: {}; over {}: {}", first.protocol, first.message, protocol, second.message());
    bool no_tls = dynamic_cast<const NoTls*>(&second) != nullptr;
    std::string hint = no_tls ? "check the registry's host and port" : second.hint();
    // A server that lost the first connection and does not speak TLS is a plain one that stumbled.
    if (!is_transient_error(second) && !(no_tls && first.lost)) throw Error(second.kind(), message).hint(hint);
    TransientError error(second.kind(), message);
    if (const auto* transient = dynamic_cast<const TransientError*>(&second))
        error.worth_attempts(transient->attempts());
    error.hint(hint);
    throw error;
}

}  // namespace

std::string Endpoint::repository(const std::string& name) const {
    size_t rest = std::min(prefix_.replaced, name.size());
    if (rest > 0 && rest < name.size() && name[rest] == '/') rest++;
    std::string result = prefix_.text + name.substr(rest);
    while (result.ends_with('/')) result.pop_back();
    return result;
}

Url Endpoint::with_protocol(const std::string& protocol) const {
    Url url = base_;
    url.path = "/";
    if (url.scheme == protocol) return url;
    if (url.authority() == url.host) url.port = protocol == "https" ? 443 : 80;
    url.scheme = protocol;
    return url;
}

Url Endpoint::base(Transport& transport, const std::stop_token& stop) {
    if (protocols_.size() == 1) return with_protocol(protocols_.front());
    auto known = protocol_.lock();
    if (known->empty()) *known = find_protocol(transport, stop);
    return with_protocol(*known);
}

std::string Endpoint::find_protocol(Transport& transport, const std::stop_token& stop) const {
    std::optional<FirstFailure> first;
    for (const auto& protocol : protocols_) {
        bool last = protocol == protocols_.back();
        Request ping;
        ping.url = with_protocol(protocol);
        ping.url.path = "/v2/";
        TextReceiver ignored(max_ping_body, ping.url.shown());
        try {
            Response response = transport.send(ping, ignored, stop);
            if (last || protocol == "https" || !wants_tls(response)) return protocol;
        } catch (const Error& error) {
            if (last && first && error.kind() == ErrorKind::network) throw_neither(*first, error, protocol);
            if (last || !may_be_the_protocol(error, protocol)) throw;
            first = FirstFailure{protocol, error.message(), is_lost(error)};
        }
    }
    return protocols_.back();
}

Endpoints endpoints_of(const std::string& registry, const std::vector<std::string>& mirrors, HostSettings& hosts) {
    Endpoints out;
    for (const auto& mirror : mirrors) out.push_back(mirror_endpoint(mirror, 0, hosts));
    out.push_back(registry_endpoint(registry, {}, hosts));
    return out;
}

Endpoints endpoints_of(const oci::Reference& reference, const LocationRule& rule, HostSettings& hosts) {
    const size_t matched = rule.matched(reference.text()), host = reference.registry().size();
    const size_t replaced = matched > host ? matched - host - 1 : 0;
    Endpoints out;
    for (const MirrorLocation& mirror : rule.mirrors) {
        if (mirror.serves(reference)) out.push_back(mirror_endpoint(mirror.location, replaced, hosts));
    }
    if (rule.location.empty()) {
        out.push_back(registry_endpoint(reference.registry(), {}, hosts));
    } else {
        const std::string registry = rule.location.substr(0, rule.location.find('/'));
        std::string path = rule.location.substr(std::min(rule.location.size(), registry.size() + 1));
        if (!path.empty()) path += '/';
        out.push_back(registry_endpoint(registry, {path, replaced}, hosts));
    }
    return out;
}

}  // namespace gbuild::registry
