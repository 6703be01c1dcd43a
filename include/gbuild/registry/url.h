// The URLs that registries, redirects and token services use: absolute, http or https.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gbuild::registry {

struct Url {
    std::string scheme;  // "http" or "https"
    std::string host;    // lower case; an IPv6 address keeps its brackets
    uint16_t port = 0;   // the scheme's own when the text names none
    std::string path;    // begins with '/'
    std::string query;   // without '?'

    // nullopt for anything else than a well-formed absolute http(s) URL. User information and fragments are dropped.
    static std::optional<Url> parse(std::string_view text);
    // A Location header's value, absolute or relative to this URL.
    std::optional<Url> resolve(std::string_view location) const;

    std::string text() const;
    // For messages: without the query, where signed URLs carry their secrets.
    std::string shown() const;
    std::string authority() const;  // "host" or "host:port" when the port is not the scheme's own
    std::string origin() const { return scheme + "://" + authority(); }
    bool same_origin(const Url& other) const { return origin() == other.origin(); }
    bool operator==(const Url&) const = default;
};

// What one owner's hosts have in common: the last two labels of a name, three where the last two are likely to be a
// public suffix (co.uk). "" for an address and for a name of one label.
std::string site_of(std::string_view host);

// localhost, 127.0.0.0/8 and [::1], as the host of a URL.
bool is_loopback(std::string_view host);

// For messages: text that is a URL or holds one, with "***" for the user name and password in it. Meant for what is no
// well-formed URL, too: everything up to the last "@" goes.
std::string without_user_info(std::string_view text);

// Everything but RFC 3986's unreserved characters as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace gbuild::registry
