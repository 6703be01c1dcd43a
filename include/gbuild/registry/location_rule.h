// Where an image is looked for, as registries.conf files of the containers tools have it
// (containers-registries.conf(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/oci/reference.h"

namespace gbuild::registry {

struct MirrorLocation {
    enum class Pulls : uint8_t { all, digests, tags };

    std::string location;  // HOST[:PORT][/PATH]
    Pulls pulls = Pulls::all;

    bool serves(const oci::Reference& reference) const;
    bool operator==(const MirrorLocation&) const = default;
};

// What is said of all images whose name begins with the prefix. The prefix itself is replaced by a location; what comes
// after it in a name stays.
struct LocationRule {
    std::string prefix;    // HOST[:PORT][/PATH], or *.DOMAIN[/PATH] for all hosts below a domain
    std::string location;  // as a mirror's; "" where the image's own place is asked
    std::vector<MirrorLocation> mirrors;
    bool blocked = false;
    std::string file;  // that has the rule

    bool is_pattern() const { return prefix.starts_with("*."); }
    // How many of a name's characters the prefix stands for; 0 where it does not fit. The name is that of
    // oci::Reference::text().
    size_t matched(std::string_view name) const;
};

// The rule with the longest prefix of those that fit; null when there is none.
const LocationRule* rule_for(const std::vector<LocationRule>& rules, const oci::Reference& reference);

}  // namespace gbuild::registry
