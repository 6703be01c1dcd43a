// Keeping a login for later, and forgetting it: by the credential helper that docker's configuration names, else in an
// auth file that nobody but its owner can read.
#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/registry/credentials.h"

namespace gbuild::registry {

struct LoginPlaces {
    AuthFiles files;             // whose helpers are used
    std::filesystem::path file;  // where a login is kept without a helper; may be empty
    std::chrono::seconds helper_timeout{30};
};

// Replaces what is kept for `registry` (a host). Returns where it is now: the helper's program, or the file. The secret
// goes to a helper's standard input only. Throws unauthorized when the helper fails; usage for a file that is no auth
// file, and when there is no place; permission, io, no_space, interrupted.
std::string keep_login(const LoginPlaces& places, const std::string& registry, const Credential& credential,
                       const std::stop_token& stop);

// Returns where logins for `registry` were: helpers' programs and files; those that had none are left alone. Throws as
// keep_login() does.
std::vector<std::string> forget_login(const LoginPlaces& places, const std::string& registry,
                                      const std::stop_token& stop);

}  // namespace gbuild::registry
