// The registry client: distribution-spec 1.1 and Docker registry v2 over libcurl.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/oci/reference.h"
#include "gbuild/registry/credential.h"
#include "gbuild/registry/image_destination.h"
#include "gbuild/registry/image_source.h"
#include "gbuild/registry/location_rule.h"

namespace gbuild::registry {

// Far below what several transfers at once get of a modem's line, far above what only looks like a transfer.
inline constexpr uint64_t default_min_speed = 128;

struct ClientOptions {
    // --authfile; else the usual places
    std::optional<std::filesystem::path> authfile;
    // --creds: goes before what the files say, at every registry that asks for a login
    std::optional<Credential> credential;
    // registry → mirrors, tried in order before the registry itself: "host[:port][/prefix]", or with http:// or
    // https:// in front to fix the protocol. The prefix goes before the repository's name.
    std::map<std::string, std::vector<std::string>> mirrors;
    // What counts of registries that `mirrors` does not name; what is blocked is so in any case.
    std::vector<LocationRule> rules;
    // registry → token services on other sites that get the registry's login, too: HOST or HOST:PORT
    std::map<std::string, std::vector<std::string>> token_hosts;
    // hosts (with port), or *.DOMAIN, that may speak plain HTTP or bad TLS
    std::vector<std::string> insecure;
    bool verify_tls = true;  // false: all hosts may
    // CA certificates (PEM files, or directories of *.pem and *.crt) trusted besides the system's: for every host, and
    // for one host (with port)
    std::vector<std::filesystem::path> ca_files;
    std::map<std::string, std::vector<std::filesystem::path>> host_ca_files;
    // directories like /etc/docker/certs.d: HOST[:PORT]/{*.crt, *.cert + *.key}; see default_certs_dirs()
    std::vector<std::filesystem::path> certs_dirs;
    // one such directory for every host
    std::optional<std::filesystem::path> certs_dir;
    int max_attempts = 5;
    std::chrono::milliseconds first_delay{500};  // doubled and jittered at each further attempt
    std::chrono::seconds max_retry_after{120};   // a longer Retry-After is an error that says when
    std::chrono::seconds connect_timeout{20};
    std::chrono::seconds stall_timeout{60};
    // Bytes a second that a transfer must make on average of every window; 0: anything will do. Whoever is sent a byte
    // now and then would wait for ever.
    uint64_t min_speed = default_min_speed;
    std::chrono::milliseconds speed_window{120'000};
    std::chrono::seconds helper_timeout{30};  // of a credential helper
    // A larger blob is sent in pieces of this many bytes, which is what a broken connection may cost.
    uint64_t upload_chunk = 16u << 20;
    // "retrying in 2.0 s: connection reset"; may be empty. Called from the threads that fetch.
    std::function<void(const std::string&)> notice;
};

// One per build: keeps connections and tokens. Thread-safe.
class Client {
  public:
    explicit Client(ClientOptions options);
    ~Client();
    // An image in its registry; nothing is requested yet. The source must not outlive the client. Throws usage for one
    // that a rule blocks.
    std::unique_ptr<ImageSource> image(const oci::Reference& reference);
    // The place of an image in its registry, to be written; mirrors take no part. Nothing is requested yet. Must not
    // outlive the client.
    std::unique_ptr<ImageDestination> destination(const oci::Reference& reference);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::registry
