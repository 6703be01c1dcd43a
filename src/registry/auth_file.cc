#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/base64.h"
#include "gbuild/registry/credentials.h"

namespace gbuild::registry {

namespace {

using nlohmann::json;

constexpr std::string_view docker_hub = "docker.io";
constexpr std::string_view docker_hub_key = "https://index.docker.io/v1/";

std::string text_member(const json& object, const char* name) {
    auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <class Body>
void for_each_member(const json& document, const char* name, Body&& body) {
    auto found = document.find(name);
    if (found == document.end() || !found->is_object()) return;
    for (const auto& [key, value] : found->items()) body(key, value);
}

// "https://quay.io/v2/" is "quay.io", "quay.io/team" stays; all the names of Docker Hub are one.
std::string normalized_key(std::string_view key) {
    bool is_url = false;
    for (std::string_view scheme : {"https://", "http://"}) {
        if (!key.starts_with(scheme)) continue;
        key.remove_prefix(scheme.size());
        is_url = true;
    }
    if (is_url) key = key.substr(0, key.find('/'));
    while (key.ends_with('/')) key.remove_suffix(1);
    for (std::string_view version : {"/v1", "/v2"}) {
        if (key.ends_with(version)) key.remove_suffix(version.size());
    }
    size_t slash = std::min(key.find('/'), key.size());
    std::string host = to_lower(key.substr(0, slash));
    if (host == "index.docker.io" || host == "registry-1.docker.io") host = docker_hub;
    return host + std::string(key.substr(slash));
}

// An entry of "auths"; `where` names it in what is wrong with it. Nothing for an entry that only says that a helper
// knows more.
FoundCredential credential_of(const json& entry, const std::string& where) {
    if (!entry.is_object()) return {};
    Credential out{text_member(entry, "username"), text_member(entry, "password"), text_member(entry, "identitytoken"),
                   text_member(entry, "registrytoken")};
    if (auto auth = text_member(entry, "auth"); !auth.empty()) {
        auto decoded = base64_decode(trim(auth));
        size_t colon = decoded ? decoded->find(':') : std::string::npos;
        if (colon == std::string::npos) {
            const char* why = decoded ? "does not hold USER:PASSWORD" : "is not base64";
            return {std::nullopt, fmt::format("the login in {} is broken: its \"auth\" {}; log in again", where, why)};
        }
        out.username = decoded->substr(0, colon);
        out.password = decoded->substr(colon + 1);
        // docker pads the password with NUL bytes.
        while (out.password.ends_with('\0')) out.password.pop_back();
    }
    if (out == Credential{}) return {};
    return {std::move(out), ""};
}

bool sound_helper_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

// What a helper that failed says. Some say it on stdout, where others leave the secret in JSON, whole or cut short.
std::string complaint(const CommandResult& result) {
    std::string_view said = trim(result.err);
    if (said.empty() && result.out.find_first_of("{[") == std::string::npos) said = trim(result.out);
    if (said.empty()) return fmt::format("exit code {}", result.exit_code);
    return printable(said.substr(0, 200));
}

// docker-credential-helpers: the server on stdin, {"Username", "Secret"} on stdout.
std::optional<Credential> ask_helper(const std::string& helper, const std::string& registry, const AuthFile::Run& run,
                                     std::chrono::seconds timeout, const std::stop_token& stop) {
    std::string program = "docker-credential-" + helper;
    CommandOptions options;
    options.stop = stop;
    options.timeout = timeout;
    options.input = registry == docker_hub ? std::string(docker_hub_key) : registry;
    CommandResult result = run({program, "get"}, options);
    if (result.exit_code != 0) {
        if (result.out.find("not found") != std::string::npos) return std::nullopt;
        throw Error(ErrorKind::unauthorized, fmt::format("{} failed: {}", program, complaint(result)));
    }
    auto answer = json::parse(result.out, nullptr, false);
    if (!answer.is_object()) throw Error(ErrorKind::unauthorized, fmt::format("{} printed no JSON object", program));
    Credential out;
    out.username = text_member(answer, "Username");
    std::string secret = text_member(answer, "Secret");
    if (out.username == "<token>") {
        out.username.clear();
        out.identity_token = secret;
    } else {
        out.password = secret;
    }
    if (secret.empty()) return std::nullopt;
    return out;
}

}  // namespace

AuthFile::AuthFile(std::string_view text, std::filesystem::path path) {
    // docker and others take an empty file for one without entries.
    if (trim(text).empty()) return;
    auto document = json::parse(text, nullptr, false);
    if (!document.is_object()) {
        throw Error(ErrorKind::usage, fmt::format("{} is no auth file: not a JSON object", quoted(path.string())))
            .hint("write it with `docker login` or `podman login`");
    }
    for_each_member(document, "auths", [&](const std::string& key, const json& entry) {
        auto found = credential_of(entry, fmt::format("{}, key {}", quoted(path.string()), quoted(key)));
        if (found.credential || !found.trouble.empty()) entries_.push_back({normalized_key(key), std::move(found)});
    });
    auto add_helper = [&](std::string registry, const json& name) {
        if (!name.is_string() || name.get_ref<const std::string&>().empty()) return;
        const auto& program = name.get_ref<const std::string&>();
        if (!sound_helper_name(program)) {
            throw Error(ErrorKind::usage, fmt::format("{} names a credential helper that cannot be: {}",
                                                      quoted(path.string()), quoted(program)));
        }
        helpers_.push_back({std::move(registry), program});
    };
    for_each_member(document, "credHelpers",
                    [&](const std::string& key, const json& name) { add_helper(normalized_key(key), name); });
    if (auto store = document.find("credsStore"); store != document.end()) add_helper("", *store);
}

const AuthFile::Helper* AuthFile::helper_for(const std::string& registry) const {
    for (const auto& helper : helpers_) {
        if (helper.registry == registry || helper.registry.empty()) return &helper;
    }
    return nullptr;
}

std::string AuthFile::helper_program(const std::string& registry) const {
    const Helper* helper = helper_for(normalized_key(registry));
    return helper ? "docker-credential-" + helper->program : "";
}

FoundCredential AuthFile::find(const std::string& registry, const std::string& repository, const Run& run,
                               std::chrono::seconds helper_timeout, const std::stop_token& stop) const {
    std::string host = normalized_key(registry);
    std::string trouble;
    if (const Helper* helper = helper_for(host)) {
        try {
            if (auto credential = ask_helper(helper->program, host, run, helper_timeout, stop)) return {credential, ""};
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            trouble = fmt::format("no credentials for {}: {}", host, error.message());
        }
    }
    const Entry* best = nullptr;
    std::string full = host + "/" + repository;
    for (const auto& entry : entries_) {
        bool matches = full == entry.key || full.starts_with(entry.key + "/");
        if (matches && (!best || entry.key.size() > best->key.size())) best = &entry;
    }
    if (!best) return {std::nullopt, std::move(trouble)};
    return {best->found.credential, best->found.trouble.empty() ? trouble : best->found.trouble};
}

}  // namespace gbuild::registry
