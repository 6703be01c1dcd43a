// The Authorization header: from a server's challenge and our credentials to a Basic value or a token
// (distribution's token authentication, and its OAuth2 variant for identity tokens).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>

#include "endpoint.h"
#include "gbuild/registry/auth_challenge.h"
#include "gbuild/registry/credentials.h"
#include "http_errors.h"
#include "transport.h"

namespace gbuild::registry {

// One repository at one endpoint, with its protocol known.
struct Place {
    std::string name;        // the endpoint's: whose credentials
    Url base;                // where they may be sent
    std::string repository;  // as the endpoint calls it
    Subject subject;
};

struct Token {
    std::string value;
    std::chrono::steady_clock::time_point expires;
};

// Takes away a login that must not go to the token service of a Bearer challenge (see
// HostSettings::may_have_credentials()): an anonymous token may do, and if not, the trouble says why.
void withhold_from_strangers(FoundCredential& found, const Place& place, const Challenge& challenge,
                             const HostSettings& hosts);

// Asks the token service that a Bearer challenge names. Throws unauthorized, network, interrupted.
Token fetch_token(Transport& transport, const Place& place, const Challenge& challenge, const FoundCredential& found,
                  const std::stop_token& stop);

// Thread-safe: threads that need the same token wait for one request.
class Authorizer {
  public:
    Authorizer(Transport& transport, CredentialStore& credentials) : transport_(transport), credentials_(credentials) {}

    // What worked last, renewed when it is about to expire; "" before the first challenge.
    std::string current(const Place& place, const std::stop_token& stop);
    // The answer to a 401 for a request that was sent with `failed`. Throws unauthorized when there is no other.
    std::string answer(const Place& place, const Response& refusal, const std::string& failed,
                       const std::stop_token& stop);
    // The answer to a 401 although the request was sent with what answer() gave, `failed`: a password where a token was
    // refused and only a password is asked for. Throws unauthorized when there is none.
    std::string last_answer(const Place& place, const Response& refusal, const std::string& failed);
    // For a 401 after that.
    Error refused(const Place& place);

  private:
    struct Grant {
        std::mutex mutex;
        std::optional<Challenge> challenge;
        FoundCredential found;
        std::string value;  // of the Authorization header
        std::chrono::steady_clock::time_point expires;
    };
    std::shared_ptr<Grant> grant(const Place& place);
    static Error refusal_for(const Grant& held, const Place& place);
    void renew(Grant& grant, const Place& place, const std::stop_token& stop);

    Transport& transport_;
    CredentialStore& credentials_;
    // By origin, repository and access: a token for pulling would not do for a push.
    Synchronized<std::map<std::tuple<std::string, std::string, Access>, std::shared_ptr<Grant>>> grants_;
};

}  // namespace gbuild::registry
