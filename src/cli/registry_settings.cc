#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/registry/registry_config.h"
#include "gbuild/registry/url.h"

namespace gbuild::cli {

namespace {

constexpr const char* default_registry = "docker.io";

struct Mirror {
    std::string registry, host;
};

// HOST, or REGISTRY=HOST; a host may be a URL, which may hold "=" after its first "/".
Mirror parse_mirror(const std::string& text) {
    size_t equals = text.substr(0, text.find('/')).find('=');
    Mirror mirror{default_registry, text};
    if (equals != std::string::npos) mirror = {text.substr(0, equals), text.substr(equals + 1)};
    if (mirror.registry.empty() || mirror.host.empty()) {
        throw Error(ErrorKind::usage,
                    fmt::format("--registry-mirror {}: a host is missing", quoted(registry::without_user_info(text))))
            .hint("write --registry-mirror HOST for docker.io, or REGISTRY=HOST");
    }
    return mirror;
}

void require_file(const std::string& option, const std::string& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return;
    throw Error(ErrorKind::not_found, fmt::format("{} {}: no such file", option, quoted(path)));
}

registry::Environment environment_of(const Console& console) {
    return [&console](const char* name) {
        auto value = console.env(name);
        return value && value->empty() ? std::nullopt : value;
    };
}

build::PullPolicy pull_policy(const std::string& word) {
    if (word == "always" || word == "true" || word == "newer") return build::PullPolicy::always;
    return word == "never" ? build::PullPolicy::never : build::PullPolicy::missing;
}

}  // namespace

void RegistrySettings::declare(OptionSet& options) {
    options.group("Base images");
    options.choice_or_flag("--pull", {"missing", "always", "never"}, "always", pull,
                           "when to ask the registry; --pull alone means always",
                           {"true", "false", "newer"});  // as docker's and podman's scripts have it
    options.value("--authfile", "PATH", authfile,
                  "credentials (default: $REGISTRY_AUTH_FILE, then where podman and docker keep them)");
    options.list("--registry-mirror", "[REGISTRY=]HOST", mirrors,
                 "try this host first, for docker.io or for REGISTRY; repeatable");
    options.list("--insecure-registry", "HOST", insecure, "allow plain HTTP and unknown certificates; repeatable");
    options.list("--ca-file", "PATH", ca_files,
                 "trust these CA certificates, too (PEM; or a directory of *.pem and *.crt); repeatable");
    options.value("--registry-config", "PATH", registry_config,
                  "mirrors and CAs of each registry, in JSON (default: ~/.config/gbuild/registries.json, then "
                  "/etc/gbuild/registries.json and registries.conf)");
    options.value("--min-speed", "SIZE", min_speed,
                  "give up on transfers that make less a second on average of two minutes; 0: never (default: 128)");
}

void RegistrySettings::apply(build::BuildOptions& build, const Console& console) const {
    build.pull = pull_policy(pull);
    registry::ClientOptions& client = build.registry;
    if (!authfile.empty()) {
        require_file("--authfile", authfile);
        client.authfile = authfile;
    }
    for (const auto& text : mirrors) {
        Mirror mirror = parse_mirror(text);
        client.mirrors[mirror.registry].push_back(mirror.host);
    }
    client.insecure = insecure;
    for (const auto& path : ca_files) {
        require_file("--ca-file", path);
        client.ca_files.emplace_back(path);
    }
    if (!min_speed.empty()) {
        auto floor = parse_size(min_speed);
        if (!floor) {
            throw Error(ErrorKind::usage, fmt::format("--min-speed {}: not a size", quoted(min_speed)))
                .hint("give bytes a second, such as 512 or 10K; 0 for no limit");
        }
        client.min_speed = *floor;
    }
    auto environment = environment_of(console);
    client.certs_dirs = registry::default_certs_dirs(environment);
    // Last: what the files say goes behind what the options say. One that is asked for is the only one.
    if (registry_config.empty())
        return registry::load_registry_files(registry::default_registry_files(environment), client);
    require_file("--registry-config", registry_config);
    registry::load_registry_files({{registry_config}, {}}, client);
}

}  // namespace gbuild::cli
