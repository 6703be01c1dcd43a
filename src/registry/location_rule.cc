#include "gbuild/registry/location_rule.h"

namespace gbuild::registry {

namespace {

// "quay.io/team" is no prefix of "quay.io/teams/x".
bool ends_part(std::string_view name, size_t at) {
    return at == name.size() || name[at] == '/' || name[at] == ':' || name[at] == '@';
}

}  // namespace

bool MirrorLocation::serves(const oci::Reference& reference) const {
    return pulls == Pulls::all || (pulls == Pulls::digests) == reference.digest().has_value();
}

size_t LocationRule::matched(std::string_view name) const {
    if (!is_pattern()) return name.starts_with(prefix) && ends_part(name, prefix.size()) ? prefix.size() : 0;
    const std::string_view domain = std::string_view(prefix).substr(1);
    const size_t at = name.find(domain);
    // Only a host has a domain.
    if (at == 0 || at == std::string_view::npos || name.find('/') < at) return 0;
    return ends_part(name, at + domain.size()) ? at + domain.size() : 0;
}

const LocationRule* rule_for(const std::vector<LocationRule>& rules, const oci::Reference& reference) {
    const std::string name = reference.text();
    const LocationRule* best = nullptr;
    for (const LocationRule& rule : rules) {
        if (rule.matched(name) == 0) continue;
        if (!best || rule.prefix.size() > best->prefix.size()) best = &rule;
    }
    return best;
}

}  // namespace gbuild::registry
