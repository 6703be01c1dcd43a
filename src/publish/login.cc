#include "gbuild/publish/login.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::publish {

namespace fs = std::filesystem;

namespace {

fs::path own_file(const registry::Environment& environment) {
    constexpr const char* name = "gbuild/auth.json";
    if (auto directory = environment("XDG_CONFIG_HOME"); directory && !directory->empty())
        return fs::path(*directory) / name;
    if (auto home = environment("HOME"); home && !home->empty()) return fs::path(*home) / ".config" / name;
    return {};
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

registry::LoginPlaces login_places(const std::optional<fs::path>& authfile, const registry::Environment& environment) {
    registry::LoginPlaces places;
    places.files = registry::auth_files(authfile, environment);
    if (places.files.required) {
        places.file = places.files.paths.front();
        return places;
    }
    places.file = own_file(environment);
    if (!places.file.empty()) places.files.paths.push_back(places.file);
    return places;
}

std::optional<Login> login_of_environment(const RegistryVariables& variables, const std::string& user) {
    if (variables.token.empty()) return std::nullopt;
    if (!variables.token_from_file) check_token_may_go(variables, "REGISTRY_TOKEN of the environment");
    Login login{variables.user.empty() ? user : variables.user, variables.token, variables.token_origin()};
    if (login.user.empty()) {
        throw Error(ErrorKind::usage, "REGISTRY_TOKEN is set, but nobody says whose token it is")
            .hint("set REGISTRY_USER, too, or pass --username");
    }
    check_login(login);
    return login;
}

std::optional<Login> kept_login(const registry::LoginPlaces& places, const RegistryPlace& registry,
                                const std::function<void(const std::string&)>& notice, const std::stop_token& stop) {
    registry::AuthFiles files = places.files;
    std::error_code error;
    // One that is yet to be written by a login.
    files.required = files.required && fs::exists(places.file, error);
    registry::CredentialStore store(files, notice, places.helper_timeout);
    const auto found = store.find(registry.host(), "", stop);
    if (!found.credential || found.credential->username.empty() || found.credential->password.empty()) {
        return std::nullopt;
    }
    Login login{found.credential->username, found.credential->password, "the login that is kept for this registry"};
    check_login(login);
    return login;
}

void check_token_may_go(const RegistryVariables& variables, const std::string& origin) {
    if (!variables.url_from_file) return;
    throw Error(ErrorKind::usage, fmt::format("{} would be sent to the registry that .env names", origin))
        .hint("set REGISTRY_URL in the environment, too, or put REGISTRY_TOKEN into .env");
}

void check_login(const Login& login) {
    const std::string from = login.origin.empty() ? "" : fmt::format(" ({})", login.origin);
    if (login.user.empty() || trim(login.user) != login.user || has_control(login.user) ||
        login.user.find(':') != std::string::npos || !is_utf8(login.user)) {
        throw Error(ErrorKind::usage, fmt::format("{} is not a user's name{}", quoted(login.user), from));
    }
    if (login.token.empty()) throw Error(ErrorKind::usage, fmt::format("the token is empty{}", from));
    if (trim(login.token) != login.token || has_control(login.token) || !is_utf8(login.token)) {
        throw Error(ErrorKind::usage,
                    fmt::format("the token has blanks around it or characters that no token has{}", from))
            .hint("copy it from the registry's portal once more");
    }
}

Error login_needed(const RegistryPlace& registry) {
    return Error(ErrorKind::unauthorized, fmt::format("no login for {}", registry.host()))
        .hint("run gbuild login, set REGISTRY_USER and REGISTRY_TOKEN, or pass --username and --password-stdin; "
              "--anonymous needs none");
}

}  // namespace gbuild::publish
