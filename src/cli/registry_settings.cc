#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/dockerfile/duration.h"
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

// USER:PASSWORD, as buildah has it.
registry::Credential parse_credential(const std::string& text) {
    const size_t colon = text.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == text.size()) {
        throw Error(ErrorKind::usage, "--creds: not USER:PASSWORD")
            .hint(
                "write --creds USER:PASSWORD; other users of this machine see command lines, so --authfile is better");
    }
    return {text.substr(0, colon), text.substr(colon + 1), {}, {}};
}

int parse_attempts(const std::string& text) {
    constexpr uint64_t most = 100;
    const auto retries = parse_decimal(text);
    if (!retries || *retries > most) {
        throw Error(ErrorKind::usage, fmt::format("--retry {}: not a number from 0 to {}", quoted(text), most));
    }
    return static_cast<int>(*retries) + 1;
}

std::chrono::milliseconds parse_delay(const std::string& text) {
    constexpr int64_t millisecond = 1'000'000, longest = 3600 * int64_t{1'000'000'000};
    const auto delay = parse_decimal(text) ? dockerfile::parse_duration(text + "s") : dockerfile::parse_duration(text);
    if (!delay || *delay < 0 || *delay > longest) {
        throw Error(ErrorKind::usage, fmt::format("--retry-delay {}: not a time", quoted(text)))
            .hint("give seconds, or a time such as 500ms, 2s or 1m, of an hour at most");
    }
    return std::chrono::milliseconds(*delay / millisecond);
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

void require_file(const std::string& option, const std::string& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return;
    throw Error(ErrorKind::not_found, fmt::format("{} {}: no such file", option, quoted(path)));
}

void RegistrySettings::declare(OptionSet& options) {
    options.group("Base images");
    options.choice_or_flag("--pull", {"missing", "always", "never"}, "always", pull,
                           "when to ask the registry; --pull alone means always",
                           {"true", "false", "newer"});  // as docker's and podman's scripts have it
    options.value("--authfile", "PATH", authfile,
                  "credentials (default: $REGISTRY_AUTH_FILE, then where podman and docker keep them)");
    options.value("--creds", "USER:PASSWORD", creds,
                  "log in so at every registry that asks, whatever files say; others see it in the list of processes");
    options.list("--registry-mirror", "[REGISTRY=]HOST", mirrors,
                 "try this host first, for docker.io or for REGISTRY; repeatable");
    options.list("--insecure-registry", "HOST", insecure, "allow plain HTTP and unknown certificates; repeatable");
    options.list("--ca-file", "PATH", ca_files,
                 "trust these CA certificates, too (PEM; or a directory of *.pem and *.crt); repeatable");
    options.value("--cert-dir", "DIR", certs_dir,
                  "trust its *.crt, and show its *.cert with its *.key to registries that want one");
    options.choice_or_flag("--tls-verify", {"true", "false"}, "true", verify_tls,
                           "check certificates; false: all registries may use unknown ones, and plain HTTP");
    options.value("--registry-config", "PATH", registry_config,
                  "mirrors and CAs of each registry, in JSON (default: ~/.config/gbuild/registries.json, then "
                  "/etc/gbuild/registries.json and registries.conf)");
    options.value("--min-speed", "SIZE", min_speed,
                  "give up on transfers that make less a second on average of two minutes; 0: never (default: 128)");
    options.value("--retry", "N", retries, "how often a failed request is tried again (default: 4)");
    options.value("--retry-delay", "TIME", retry_delay,
                  "time before that, doubled at each further attempt: seconds, or 500ms, 2s (default: 500ms)");
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
    if (!creds.empty()) client.credential = parse_credential(creds);
    client.insecure = insecure;
    client.verify_tls = verify_tls == "true";
    if (!certs_dir.empty()) {
        require_file("--cert-dir", certs_dir);
        client.certs_dir = certs_dir;
    }
    if (!retries.empty()) client.max_attempts = parse_attempts(retries);
    if (!retry_delay.empty()) client.first_delay = parse_delay(retry_delay);
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
