#include "gbuild/cli/publish_settings.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/secret_prompt.h"
#include "gbuild/registry/host_settings.h"
#include "gbuild/registry/registry_config.h"
#include "gbuild/registry/url.h"

namespace gbuild::cli {

namespace {

constexpr uint64_t longest_timeout = 86400, most_retries = 100;

registry::Environment variables_seen_by(const Console& console) {
    return [&console](const char* name) { return console.env(name); };
}

uint64_t number_within(const std::string& text, const char* option, uint64_t least, uint64_t most) {
    const auto value = parse_decimal(text);
    if (value && *value >= least && *value <= most) return *value;
    throw Error(ErrorKind::usage, fmt::format("{} {}: not a number from {} to {}", option, quoted(text), least, most));
}

// What is sent in the clear can be read by everybody on the way.
void check_privacy(const publish::RegistryPlace& place, const registry::ClientOptions& http) {
    if (!place.is_in_the_clear()) return;
    const auto url = registry::Url::parse(place.url());
    if (url && registry::HostSettings(http).insecure(*url)) return;
    throw Error(ErrorKind::usage, fmt::format("the token would be sent in the clear to {}", place.url()))
        .hint(fmt::format("use https, or pass --insecure-registry {} if you trust the network", place.host()));
}

std::string ask_user(const std::string& place, const std::string& likely, const Console& console) {
    const std::string offer = likely.empty() ? "" : fmt::format(" [{}]", safe_text(likely));
    const std::string typed(trim(ask_line(console, fmt::format("User name at {}{}: ", safe_text(place), offer))));
    return typed.empty() ? likely : typed;
}

// Whoever has named the user types the token next: a question about the user would show it.
publish::Login asked_for(const RegistryEnvironment& registry, const std::string& named, const std::string& likely,
                         const Console& console) {
    publish::Login login;
    login.origin = "what was typed";
    login.user = named.empty() ? ask_user(registry.place.host(), likely, console) : named;
    login.token = trim(ask_secret(console, "Personal access token (not shown): "));
    publish::check_login(login);
    return login;
}

}  // namespace

void ConnectionSettings::declare(OptionSet& options) {
    options.group("The connection");
    options.list("--ca-file", "PATH", ca_files,
                 "trust these CA certificates, too (PEM; or a directory of *.pem and *.crt); repeatable");
    options.list("--insecure-registry", "HOST", insecure,
                 "let this host speak plain HTTP or have a bad certificate; repeatable");
    options.value("--timeout", "SECONDS", timeout,
                  "give up on a connection that is silent for so long, and on a registry that takes so long to check "
                  "an image (default: 60)");
    options.value("--retries", "NUMBER", retries,
                  "how often a request that may succeed later is tried again (default: 4)");
}

publish::PublisherOptions ConnectionSettings::apply(const Console& console) const {
    publish::PublisherOptions options;
    registry::ClientOptions& http = options.http;
    for (const auto& path : ca_files) {
        std::error_code error;
        if (!std::filesystem::exists(path, error)) {
            throw Error(ErrorKind::not_found, fmt::format("--ca-file {}: no such file", quoted(path)));
        }
        http.ca_files.emplace_back(path);
    }
    http.insecure = insecure;
    if (!timeout.empty()) {
        options.patience = std::chrono::seconds(number_within(timeout, "--timeout", 1, longest_timeout));
        http.stall_timeout = options.patience;
        http.connect_timeout = std::min(http.connect_timeout, options.patience);
    }
    if (!retries.empty()) {
        http.max_attempts = static_cast<int>(number_within(retries, "--retries", 0, most_retries)) + 1;
    }
    const auto environment = variables_seen_by(console);
    http.certs_dirs = registry::default_certs_dirs(environment);
    registry::load_registry_files(registry::default_registry_files(environment), http);
    return options;
}

void AuthFileSetting::declare(OptionSet& options) {
    options.value("--authfile", "PATH", path,
                  "keep logins in this file alone (default: the credential helper of docker's configuration, else "
                  "~/.config/gbuild/auth.json)");
}

registry::LoginPlaces AuthFileSetting::places(const Console& console) const {
    std::optional<std::filesystem::path> file;
    if (!path.empty()) file = path;
    return publish::login_places(file, variables_seen_by(console));
}

void LoginSettings::declare(OptionSet& options) {
    options.value("-u,--username", "USER", username, "who logs in (default: REGISTRY_USER)");
    options.flag("--password-stdin", password_stdin, "read the personal access token from standard input");
}

RegistryEnvironment registry_environment(const Console& console) {
    publish::RegistryVariables variables =
        publish::registry_variables(variables_seen_by(console), std::filesystem::current_path());
    publish::RegistryPlace place = publish::registry_place(variables);
    return {std::move(variables), std::move(place)};
}

publish::Login find_login(const LoginSettings& settings, const RegistryEnvironment& registry,
                          const registry::LoginPlaces* places, const registry::ClientOptions& http,
                          const std::string& user, const Console& console) {
    const publish::RegistryVariables& variables = registry.variables;
    check_privacy(registry.place, http);
    std::string who = settings.username.empty() ? variables.user : settings.username;
    if (who.empty()) who = user;
    if (settings.password_stdin) {
        publish::check_token_may_go(variables, "the token of --password-stdin");
        if (who.empty()) {
            throw Error(ErrorKind::usage, "--password-stdin: nobody says whose token it is")
                .hint("add --username USER");
        }
        publish::Login login{who, read_secret_from_standard_input(), "the token on standard input"};
        publish::check_login(login);
        return login;
    }
    // A user who is named on the command line is not the one that the environment's token is of.
    if (settings.username.empty() || settings.username == variables.user || variables.user.empty()) {
        if (auto login = publish::login_of_environment(variables, who)) return *login;
    }
    if (places) {
        const auto notice = [&](const std::string& text) { console.err.write(safe_text(text) + "\n"); };
        auto login = publish::kept_login(*places, registry.place, notice, {});
        if (login && (settings.username.empty() || settings.username == login->user)) return *login;
    }
    if (can_ask(console)) return asked_for(registry, settings.username, who, console);
    throw publish::login_needed(registry.place);
}

}  // namespace gbuild::cli
