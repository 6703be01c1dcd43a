// The proxy that the environment names for a request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gbuild/registry/credentials.h"
#include "gbuild/registry/url.h"

namespace gbuild::registry {

struct Proxy {
    std::string variable;  // "HTTPS_PROXY"
    std::string value;     // with its secrets

    // For messages: without them.
    std::string shown() const { return without_user_info(value); }
    bool has_login() const { return value.find('@') != std::string::npos; }
    // The user name or password has a character that ends the host's place in a URL: others take a piece of the
    // secret for the host.
    bool is_misread() const;
};

// Whether a NO_PROXY value names the host of a URL: "*", names with their subdomains, addresses and networks
// (10.0.0.0/8), separated by commas or blanks.
bool is_excepted(std::string_view no_proxy, std::string_view host);

// nullopt: none. Loopback is always reached directly, and what NO_PROXY excepts.
std::optional<Proxy> proxy_for(const Url& url, const Environment& environment = process_environment);

}  // namespace gbuild::registry
