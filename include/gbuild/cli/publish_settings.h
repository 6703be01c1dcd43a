// The options of the commands that talk to the Golem registry, and who we are to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gbuild/cli/console.h"
#include "gbuild/cli/options.h"
#include "gbuild/publish/login.h"
#include "gbuild/publish/publisher.h"

namespace gbuild::cli {

// How the registry is reached. All members throw usage.
struct ConnectionSettings {
    std::string timeout, retries;
    std::vector<std::string> ca_files, insecure;

    void declare(OptionSet& options);
    // Throws not_found for a CA file that is not there.
    publish::PublisherOptions apply(const Console& console) const;
};

// Where logins are kept.
struct AuthFileSetting {
    std::string path;

    void declare(OptionSet& options);
    registry::LoginPlaces places(const Console& console) const;
};

// Who logs in.
struct LoginSettings {
    std::string username;
    bool password_stdin = false;

    void declare(OptionSet& options);
};

// What the environment and .env say of the registry.
struct RegistryEnvironment {
    publish::RegistryVariables variables;
    publish::RegistryPlace place;
};
RegistryEnvironment registry_environment(const Console& console);

// A login from standard input (--password-stdin), the environment, where logins are kept (unless `places` is null), or
// a question on the terminal, in this order. `user` is who is meant when nobody says so; may be "". Throws usage where
// the token would be sent in the clear or to a place that only .env names; unauthorized when there is none.
publish::Login find_login(const LoginSettings& settings, const RegistryEnvironment& registry,
                          const registry::LoginPlaces* places, const registry::ClientOptions& http,
                          const std::string& user, const Console& console);

}  // namespace gbuild::cli
