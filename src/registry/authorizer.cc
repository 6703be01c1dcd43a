#include "authorizer.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"

namespace gbuild::registry {

namespace {

using Clock = std::chrono::steady_clock;

// The challenge that we can answer best: a token before a password.
Challenge choose_challenge(const Response& refusal, const Place& place) {
    std::optional<Challenge> basic;
    std::string offered;
    for (const auto& header : refusal.headers.all("www-authenticate")) {
        for (auto& challenge : parse_challenges(header)) {
            if (challenge.scheme == "bearer" && !challenge.param("realm").empty()) return challenge;
            offered += (offered.empty() ? "" : ", ") + printable(challenge.scheme);
            if (challenge.scheme == "basic" && !basic) basic = std::move(challenge);
        }
    }
    if (basic) return *basic;
    throw Error(ErrorKind::unauthorized, fmt::format("{} wants a login of a kind that gbuild does not know ({})",
                                                     place.name, offered.empty() ? "it does not say which" : offered));
}

std::string basic_value(const Credential& credential) {
    return "Basic " + base64_encode(credential.username + ":" + credential.password);
}

}  // namespace

std::shared_ptr<Authorizer::Grant> Authorizer::grant(const Place& place) {
    auto grants = grants_.lock();
    auto& found = (*grants)[{place.base.origin(), place.repository, place.subject.access}];
    if (!found) found = std::make_shared<Grant>();
    return found;
}

std::string Authorizer::current(const Place& place, const std::stop_token& stop) {
    auto held = grant(place);
    std::lock_guard lock(held->mutex);
    if (!held->value.empty() && Clock::now() >= held->expires) renew(*held, place, stop);
    return held->value;
}

std::string Authorizer::answer(const Place& place, const Response& refusal, const std::string& failed,
                               const std::stop_token& stop) {
    auto held = grant(place);
    std::lock_guard lock(held->mutex);
    if (held->value != failed) return held->value;  // another thread was here before
    held->challenge = choose_challenge(refusal, place);
    held->credential = credentials_.find(place.name, place.repository, stop);
    renew(*held, place, stop);
    if (held->value == failed) throw refusal_for(*held, place);
    return held->value;
}

Error Authorizer::refused(const Place& place) {
    auto held = grant(place);
    std::lock_guard lock(held->mutex);
    return refusal_for(*held, place);
}

Error Authorizer::refusal_for(const Grant& held, const Place& place) {
    if (!held.credential) return login_needed(place.subject);
    if (held.challenge->scheme == "basic") return login_refused(place.name, held.credential->username);
    return access_refused(place.subject, held.credential->username);
}

// Precondition: the grant has a challenge and is locked.
void Authorizer::renew(Grant& held, const Place& place, const std::stop_token& stop) {
    if (held.challenge->scheme == "basic") {
        if (!held.credential || held.credential->username.empty()) throw login_needed(place.subject);
        held.value = basic_value(*held.credential);
        held.expires = Clock::time_point::max();
        return;
    }
    Token token = fetch_token(transport_, place, *held.challenge, held.credential, stop);
    held.value = "Bearer " + token.value;
    held.expires = token.expires;
}

}  // namespace gbuild::registry
