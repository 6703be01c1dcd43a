// WWW-Authenticate (RFC 9110, 11.6.1): what a server wants to see before it answers.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::registry {

struct Challenge {
    std::string scheme;                         // lower case: "bearer", "basic"
    std::map<std::string, std::string> params;  // names in lower case, values unquoted

    // "" when absent.
    std::string param(std::string_view name) const;
    bool operator==(const Challenge&) const = default;
};

// All challenges of one header value, in order. Never fails: what cannot be understood is passed over.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace gbuild::registry
