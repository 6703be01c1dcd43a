// Who we are to the Golem registry.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "gbuild/base/error.h"
#include "gbuild/publish/registry_place.h"
#include "gbuild/registry/kept_logins.h"

namespace gbuild::publish {

struct Login {
    std::string user;
    std::string token;   // a personal access token: never shown, logged or part of a command line
    std::string origin;  // where it is from, for messages: "REGISTRY_USER and REGISTRY_TOKEN"
};

// Where logins are kept: in --authfile or $REGISTRY_AUTH_FILE alone when there is one, else by docker's credential
// helper or in ${XDG_CONFIG_HOME:-~/.config}/gbuild/auth.json. There is no such file when the environment
// names no home, as in cron jobs.
registry::LoginPlaces login_places(const std::optional<std::filesystem::path>& authfile,
                                   const registry::Environment& environment);

// What the environment says: REGISTRY_TOKEN with REGISTRY_USER, or with `user` where that is not set; nullopt without a
// token. Throws usage when nobody says whose token it is, or when a token of the environment would go to a registry
// that only the .env file names.
std::optional<Login> login_of_environment(const RegistryVariables& variables, const std::string& user);

// What `gbuild login` or others kept for this registry. `notice` is told of broken places; may be empty. Throws as
// registry::CredentialStore does.
std::optional<Login> kept_login(const registry::LoginPlaces& places, const RegistryPlace& registry,
                                const std::function<void(const std::string&)>& notice, const std::stop_token& stop);

// A checkout's .env must not send somebody's token to a place of its choice: throws usage when the registry is one that
// only the .env file names. For tokens from elsewhere; `origin` says from where.
void check_token_may_go(const RegistryVariables& variables, const std::string& origin);

// What can be part of a user's name or a token: neither is empty or has control characters or blanks at its ends; a
// user's name has no ":". Throws usage.
void check_login(const Login& login);

// The registry wants a login, and there is none.
Error login_needed(const RegistryPlace& registry);

}  // namespace gbuild::publish
