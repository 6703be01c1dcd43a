// The proxy that the environment names for a request.
#pragma once

#include <optional>
#include <string>

#include "gbuild/registry/credentials.h"
#include "gbuild/registry/url.h"

namespace gbuild::registry {

struct Proxy {
    std::string variable;  // "HTTPS_PROXY"
    std::string value;     // with its secrets

    // For messages: without them.
    std::string shown() const { return without_user_info(value); }
    // As its writer meant it, and without an IPv6 address' brackets.
    std::string host() const;
    bool has_login() const { return value.find('@') != std::string::npos; }
    // The user name or password has a character that ends the host's place in a URL: others take a piece of the
    // secret for the host.
    bool is_misread() const;
};

// nullopt: none. Loopback is always reached directly. What NO_PROXY excepts is libcurl's to know.
std::optional<Proxy> proxy_for(const Url& url, const Environment& environment = process_environment);

}  // namespace gbuild::registry
