// Where a registry is asked: its mirrors in order, then the registry itself.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/base/synchronized.h"
#include "gbuild/oci/reference.h"
#include "gbuild/registry/location_rule.h"
#include "transport.h"

namespace gbuild::registry {

class Endpoint {
  public:
    enum class Role { mirror, registry };

    // What a repository's name begins with at this endpoint, in place of its own first `replaced` characters.
    struct Prefix {
        std::string text;
        size_t replaced = 0;
    };

    // `protocols`: "https", "http" or both, in the order to try them.
    Endpoint(Role role, std::string name, Url base, Prefix prefix, std::vector<std::string> protocols) :
        role_(role),
        name_(std::move(name)),
        base_(std::move(base)),
        prefix_(std::move(prefix)),
        protocols_(std::move(protocols)) {}

    bool is_mirror() const { return role_ == Role::mirror; }
    // Whose credentials are used here: "docker.io", "mirror.example:5000".
    const std::string& name() const { return name_; }
    // The repository's name at this endpoint.
    std::string repository(const std::string& name) const;
    // The base URL with the protocol that the host speaks, found out with one request where it is not known.
    Url base(Transport& transport, const std::stop_token& stop);

    // A mirror that did not work is not tried again by this client.
    bool is_down() const { return down_; }
    void mark_down() { down_ = true; }

  private:
    Url with_protocol(const std::string& protocol) const;
    std::string find_protocol(Transport& transport, const std::stop_token& stop) const;

    Role role_;
    std::string name_;
    Url base_;
    Prefix prefix_;
    std::vector<std::string> protocols_;
    Synchronized<std::string> protocol_;  // once found out
    std::atomic<bool> down_ = false;
};

using Endpoints = std::vector<std::shared_ptr<Endpoint>>;

// Throws usage for a mirror that is no host or URL.
Endpoints endpoints_of(const std::string& registry, const std::vector<std::string>& mirrors, HostSettings& hosts);
// As the rule has it, which fits the reference.
Endpoints endpoints_of(const oci::Reference& reference, const LocationRule& rule, HostSettings& hosts);

}  // namespace gbuild::registry
