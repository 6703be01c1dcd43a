// What is true of a host, whoever leads us to it: whether plain HTTP will do, and how its TLS is checked.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gbuild/base/synchronized.h"
#include "gbuild/registry/client.h"
#include "gbuild/registry/url.h"

namespace gbuild::registry {

struct TlsSettings {
    bool verify = true;
    std::string ca_pem;  // trusted besides the system's; may be empty
    std::filesystem::path client_certificate, client_key;
    bool named = false;  // a certs.d directory or a CA file is there for this very host: it speaks TLS
};

class HostSettings {
  public:
    explicit HostSettings(const ClientOptions& options);

    // Named by --insecure-registry: "host" for the default ports, "host:port" for that one.
    bool insecure(const Url& url) const;
    bool may_speak_http(const Url& url) const { return insecure(url) || is_loopback(url.host); }
    // Whether the token service at `realm` gets the login for the registry at `base`, called `name`: on the registry's
    // host, on its site (auth.docker.io for registry-1.docker.io), or where the configuration names it.
    bool may_have_credentials(const Url& realm, const Url& base, const std::string& name) const;
    // Files are read once. Thread-safe. Throws usage or io naming the file.
    std::shared_ptr<const TlsSettings> tls(const Url& url);

  private:
    std::shared_ptr<const TlsSettings> read(const Url& url) const;

    std::vector<std::string> insecure_;
    bool verify_tls_;
    std::map<std::string, std::vector<std::string>> token_hosts_;
    std::vector<std::filesystem::path> ca_files_;
    std::map<std::string, std::vector<std::filesystem::path>> host_ca_files_;
    std::vector<std::filesystem::path> certs_dirs_;
    std::optional<std::filesystem::path> certs_dir_;
    Synchronized<std::map<std::string, std::shared_ptr<const TlsSettings>>> known_;
};

}  // namespace gbuild::registry
