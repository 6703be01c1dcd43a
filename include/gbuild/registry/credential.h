// Who somebody is to a registry.
#pragma once

#include <string>

namespace gbuild::registry {

struct Credential {
    std::string username;
    std::string password;
    std::string identity_token;  // an OAuth refresh token; replaces the two above
    std::string registry_token;  // a ready bearer token; replaces the three above
    bool operator==(const Credential&) const = default;
};

}  // namespace gbuild::registry
