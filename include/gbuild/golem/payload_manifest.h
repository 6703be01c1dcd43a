// The computation payload manifest (schema 0.1.0; GAP-4 and GAP-5): which image a provider is to run, and what its
// commands may do, outbound network access above all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::golem {

struct PayloadManifest {
    struct Metadata {
        std::string name, version;  // the application's; version is a semantic version
        std::optional<std::string> description, homepage;
        std::vector<std::string> authors;
    };
    struct Platform {
        std::string arch = "x86_64", os = "linux";
        std::optional<std::string> os_version;
    };
    struct Payload {
        std::optional<Platform> platform;
        std::vector<std::string> urls;
        std::string hash;  // "sha3:" and 56 hex digits
    };
    struct Script {
        std::vector<std::string> commands;  // "run /bin/date -R", or objects as JSON text
        std::string match = "strict";       // or "regex"
    };
    struct Outbound {
        std::vector<std::string> protocols;
        std::vector<std::string> urls;  // empty: unrestricted
    };

    int64_t created_at = 0, expires_at = 0;  // seconds since the epoch
    std::optional<Metadata> metadata;
    std::vector<Payload> payload;
    std::optional<Script> script;
    std::optional<Outbound> outbound;
};

// Indented JSON with a line end, the same for the same values. Throws usage for what check_manifest() refuses.
std::string to_json(const PayloadManifest& manifest);

// Reads and checks any manifest. Members that it does not know are passed over. Throws integrity with the place.
PayloadManifest parse_payload_manifest(std::string_view json);

// Throws usage for what no provider accepts: no payload or URL, a hash that is no SHA3-224, an expiry that is not after
// the creation, versions that are not semantic, malformed URLs.
void check_manifest(const PayloadManifest& manifest);

bool is_semantic_version(std::string_view text);
// SCHEME://… without white space and control characters.
bool is_absolute_url(std::string_view text);
// "https"; "" for what is_absolute_url() refuses.
std::string scheme_of(std::string_view url);

}  // namespace gbuild::golem
