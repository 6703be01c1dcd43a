#include "authorizer.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"

namespace gbuild::registry {

namespace {

using Clock = std::chrono::steady_clock;

// What a server offers that we can answer.
struct Offers {
    std::optional<Challenge> bearer, basic;
    std::string schemes;  // all of them, for a message
};

Offers offers_of(const Response& refusal) {
    Offers out;
    for (const auto& header : refusal.headers.all("www-authenticate")) {
        for (auto& challenge : parse_challenges(header)) {
            out.schemes += (out.schemes.empty() ? "" : ", ") + printable(challenge.scheme);
            bool usable = challenge.scheme == "bearer" && !challenge.param("realm").empty();
            if (usable && !out.bearer)
                out.bearer = std::move(challenge);
            else if (challenge.scheme == "basic" && !out.basic)
                out.basic = std::move(challenge);
        }
    }
    return out;
}

// The challenge that we can answer best: a token before a password. Harbor offers a password alone to whoever comes
// with a token that it does not take, as one that has expired: then `last` is still how to get another.
Challenge choose_challenge(const Response& refusal, const std::string& failed, const std::optional<Challenge>& last,
                           const Place& place) {
    Offers offers = offers_of(refusal);
    if (offers.bearer) return *offers.bearer;
    if (failed.starts_with("Bearer ") && last && last->scheme == "bearer") return *last;
    if (offers.basic) return *offers.basic;
    throw Error(ErrorKind::unauthorized,
                fmt::format("{} wants a login of a kind that gbuild does not know ({})", place.name,
                            offers.schemes.empty() ? "it does not say which" : offers.schemes));
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
    held->challenge = choose_challenge(refusal, failed, held->challenge, place);
    held->found = credentials_.find(place.name, place.repository, stop);
    renew(*held, place, stop);
    if (held->value == failed) throw refusal_for(*held, place);
    return held->value;
}

std::string Authorizer::last_answer(const Place& place, const Response& refusal, const std::string& failed) {
    auto held = grant(place);
    std::lock_guard lock(held->mutex);
    if (held->value != failed) return held->value;
    Offers offers = offers_of(refusal);
    bool has_password = held->found.credential && !held->found.credential->username.empty();
    if (!failed.starts_with("Bearer ") || offers.bearer || !offers.basic || !has_password) {
        throw refusal_for(*held, place);
    }
    held->challenge = std::move(offers.basic);
    held->value = basic_value(*held->found.credential);
    held->expires = Clock::time_point::max();
    return held->value;
}

Error Authorizer::refused(const Place& place) {
    auto held = grant(place);
    std::lock_guard lock(held->mutex);
    return refusal_for(*held, place);
}

Error Authorizer::refusal_for(const Grant& held, const Place& place) {
    const auto& credential = held.found.credential;
    if (!credential) return login_needed(place.subject, held.found.trouble);
    if (held.challenge->scheme == "basic") return login_refused(place.name, credential->username);
    return access_refused(place.subject, credential->username);
}

// Precondition: the grant has a challenge and is locked.
void Authorizer::renew(Grant& held, const Place& place, const std::stop_token& stop) {
    if (held.challenge->scheme == "basic") {
        const auto& credential = held.found.credential;
        if (!credential || credential->username.empty()) throw login_needed(place.subject, held.found.trouble);
        held.value = basic_value(*credential);
        held.expires = Clock::time_point::max();
        return;
    }
    withhold_from_strangers(held.found, place, *held.challenge, transport_.hosts());
    Token token = fetch_token(transport_, place, *held.challenge, held.found, stop);
    held.value = "Bearer " + token.value;
    held.expires = token.expires;
}

}  // namespace gbuild::registry
