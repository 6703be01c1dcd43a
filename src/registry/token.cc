#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "authorizer.h"
#include "content_encoding.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"

namespace gbuild::registry {

namespace {

using std::chrono::seconds;

constexpr size_t max_token_answer = 1u << 20;
constexpr size_t max_token = 128u << 10;
constexpr seconds default_lifetime{60};
constexpr seconds longest_lifetime{24 * 3600};

// Credentials go to the token service in the clear only where the registry itself may be spoken to like that.
Url checked_realm(const Place& place, const std::string& realm, HostSettings& hosts) {
    auto url = Url::parse(realm);
    if (!url) {
        throw Error(ErrorKind::network, fmt::format("{} names no usable token service: {}", place.name,
                                                    quoted(without_user_info(realm).substr(0, 200))));
    }
    bool own_host = place.base.scheme == "http" && place.base.host == url->host;
    if (url->scheme == "http" && !own_host && !hosts.may_speak_http(*url)) {
        throw Error(ErrorKind::network,
                    fmt::format("{} wants its token fetched in the clear, from {}", place.name, url->shown()))
            .hint(fmt::format("if you trust the network, pass --insecure-registry {}", url->authority()));
    }
    return *url;
}

// What was asked for first may only have been a look; the token has to do for all of a push.
void add_push(std::string& scope) {
    size_t colon = scope.rfind(':');
    if (!scope.starts_with("repository:") || colon < sizeof "repository") return;
    auto actions = split(std::string_view(scope).substr(colon + 1), ',');
    for (const char* wanted : {"pull", "push"}) {
        bool known = std::any_of(actions.begin(), actions.end(),
                                 [&](const std::string& action) { return action == wanted || action == "*"; });
        if (!known) scope += std::string(scope.ends_with(':') ? "" : ",") + wanted;
    }
}

std::vector<std::string> scopes_of(const Place& place, const Challenge& challenge) {
    std::vector<std::string> out;
    for (auto& scope : split(challenge.param("scope"), ' ')) {
        if (!scope.empty()) out.push_back(std::move(scope));
    }
    if (out.empty()) out.push_back(fmt::format("repository:{}:pull", place.repository));
    if (place.subject.access == Access::push) std::for_each(out.begin(), out.end(), add_push);
    return out;
}

void add_parameter(std::string& to, std::string_view name, std::string_view value) {
    to += fmt::format("{}{}={}", to.empty() ? "" : "&", name, percent_encoded(value));
}

Request password_request(Url realm, const Place& place, const Challenge& challenge,
                         const std::optional<Credential>& credential) {
    Request request;
    if (auto service = challenge.param("service"); !service.empty()) add_parameter(realm.query, "service", service);
    for (const auto& scope : scopes_of(place, challenge)) add_parameter(realm.query, "scope", scope);
    if (credential && !credential->username.empty()) {
        add_parameter(realm.query, "account", credential->username);
        request.authorization = "Basic " + base64_encode(credential->username + ":" + credential->password);
    }
    request.url = std::move(realm);
    return request;
}

Request oauth_request(Url realm, const Place& place, const Challenge& challenge, const Credential& credential) {
    Request request;
    std::string form;
    add_parameter(form, "grant_type", "refresh_token");
    add_parameter(form, "service", challenge.param("service"));
    add_parameter(form, "client_id", "gbuild");
    add_parameter(form, "scope", join(scopes_of(place, challenge), " "));
    add_parameter(form, "refresh_token", credential.identity_token);
    request.url = std::move(realm);
    request.form = std::move(form);
    return request;
}

// A token ends up in a header: anything but visible ASCII could end the header.
bool sound_token(std::string_view token) {
    return !token.empty() && token.size() <= max_token &&
           std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

Token parse_token(std::string_view body, std::chrono::steady_clock::time_point asked, const Url& url) {
    auto document = nlohmann::json::parse(body, nullptr, false);
    std::string value;
    seconds lifetime = default_lifetime;
    if (document.is_object()) {
        for (const char* name : {"token", "access_token"}) {
            auto found = document.find(name);
            if (value.empty() && found != document.end() && found->is_string()) value = found->get<std::string>();
        }
        auto expires = document.find("expires_in");
        if (expires != document.end() && expires->is_number_integer() && expires->get<int64_t>() > 0) {
            lifetime = std::min(seconds(expires->get<int64_t>()), longest_lifetime);
        }
    }
    if (!sound_token(value)) {
        throw Error(ErrorKind::network, fmt::format("{} answered without a usable token", url.shown()));
    }
    // A tenth is left for requests on their way and clocks that run differently.
    return {std::move(value), asked + lifetime * 9 / 10};
}

}  // namespace

void withhold_from_strangers(FoundCredential& found, const Place& place, const Challenge& challenge,
                             const HostSettings& hosts) {
    auto realm = Url::parse(challenge.param("realm"));
    // A registry's own token is for the registry alone, anyway.
    if (!found.credential || !found.credential->registry_token.empty() || !realm) return;
    if (hosts.may_have_credentials(*realm, place.base, place.name)) return;
    found = {std::nullopt, fmt::format("the stored login was not sent to the token service {}, which is on another "
                                       "site; to allow that, name it in the token_hosts of {} in registries.json",
                                       realm->authority(), place.name)};
}

Token fetch_token(Transport& transport, const Place& place, const Challenge& challenge, const FoundCredential& found,
                  const std::stop_token& stop) {
    const std::optional<Credential>& credential = found.credential;
    if (credential && !credential->registry_token.empty()) {
        if (!sound_token(credential->registry_token)) throw login_refused(place.name, "");
        return {credential->registry_token, std::chrono::steady_clock::time_point::max()};
    }
    Url realm = checked_realm(place, challenge.param("realm"), transport.hosts());
    bool oauth = credential && !credential->identity_token.empty();
    Request request = oauth ? oauth_request(realm, place, challenge, *credential)
                            : password_request(realm, place, challenge, credential);
    const std::string what = fmt::format("the answer of {}", realm.shown());
    TextReceiver body(max_token_answer, what);
    auto asked = std::chrono::steady_clock::now();
    Response response = transport.send_following(std::move(request), body, stop);
    if (response.ok()) return parse_token(decoded(response, body.take(), max_token_answer, what), asked, realm);
    // OAuth2 says 400 invalid_grant for a token that is no good any more.
    if (response.status == 401 || response.status == 403 || (oauth && response.status == 400)) {
        throw credential ? login_refused(place.name, credential->username) : login_needed(place.subject, found.trouble);
    }
    throw_status(response, {place.subject.registry, "token for " + place.subject.what});
}

}  // namespace gbuild::registry
