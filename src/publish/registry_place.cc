#include "gbuild/publish/registry_place.h"

#include <algorithm>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/url.h"

namespace gbuild::publish {

namespace {

constexpr const char* network_registry = "https://registry.golem.network";
constexpr const char* url_variable = "REGISTRY_URL";
constexpr const char* user_variable = "REGISTRY_USER";
constexpr const char* token_variable = "REGISTRY_TOKEN";
constexpr size_t max_dotenv = size_t{64} * 1024;

bool is_ours(std::string_view name) { return name == url_variable || name == user_variable || name == token_variable; }

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    });
}

// The value may be a secret: messages show the place only.
Error wrong_value(const std::string& file, int line, std::string_view name, const std::string& why) {
    return Error(ErrorKind::usage, fmt::format("{}, line {}: the value of {} {}", quoted(file), line, name, why))
        .hint(fmt::format("write it in single quotes, {}='…', or set it in the environment", name));
}

// A value as it is written, without what surrounds it; nullopt for one whose quote is not closed.
std::optional<std::string> unquoted(std::string_view value) {
    value = trim(value);
    if (value.empty() || (value.front() != '\'' && value.front() != '"')) {
        // " #" begins a comment.
        for (size_t at = 0; at + 1 < value.size(); at++) {
            if ((value[at] == ' ' || value[at] == '\t') && value[at + 1] == '#')
                return std::string(trim(value.substr(0, at)));
        }
        return std::string(value.starts_with('#') ? "" : value);
    }
    const size_t end = value.find(value.front(), 1);
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(value.substr(1, end - 1));
}

bool would_be_expanded(std::string_view written, std::string_view value) {
    return !trim(written).starts_with('\'') && value.find_first_of("$\\`") != std::string_view::npos;
}

}  // namespace

RegistryPlace::RegistryPlace(const std::string& url, const std::string& origin) {
    const auto parsed = registry::Url::parse(url);
    if (!parsed || !parsed->query.empty() || url.find_first_of("@#?") != std::string::npos) {
        throw Error(ErrorKind::usage,
                    fmt::format("{} {} is not the URL of a registry", origin, quoted(registry::without_user_info(url))))
            .hint("write http(s)://HOST[:PORT], without user name and query");
    }
    url_ = parsed->origin() + parsed->path;
    while (url_.ends_with('/')) url_.pop_back();
    host_ = parsed->authority();
    in_the_clear_ = parsed->scheme == "http" && !registry::is_loopback(parsed->host);
}

std::string RegistryVariables::token_origin() const {
    if (user_from_file != token_from_file) return "REGISTRY_USER and REGISTRY_TOKEN of the environment and .env";
    return fmt::format("REGISTRY_USER and REGISTRY_TOKEN{}", token_from_file ? " of .env" : "");
}

std::map<std::string, std::string> parse_dotenv(std::string_view text, const std::string& file) {
    std::map<std::string, std::string> found;
    int number = 0;
    for (const std::string& whole : split(text, '\n')) {
        number++;
        std::string_view line = trim(whole);
        if (line.starts_with("export ")) line = trim(line.substr(7));
        const size_t equals = line.find('=');
        if (line.starts_with('#') || equals == std::string_view::npos) continue;
        const std::string name(trim(line.substr(0, equals)));
        if (!is_name(name)) continue;
        const std::string_view written = line.substr(equals + 1);
        const auto value = unquoted(written);
        if (!value) {
            if (is_ours(name)) throw wrong_value(file, number, name, "has an opening quote only");
            continue;
        }
        if (is_ours(name) && would_be_expanded(written, *value)) {
            throw wrong_value(file, number, name, "has \"$\", \"\\\" or \"`\", which some programs expand");
        }
        // As dotenv has it: the first one counts.
        found.emplace(name, *value);
    }
    return found;
}

RegistryVariables registry_variables(const registry::Environment& environment, const std::filesystem::path& directory) {
    const std::filesystem::path file = directory / ".env";
    std::map<std::string, std::string> in_file;
    std::error_code error;
    if (std::filesystem::is_regular_file(file, error)) {
        in_file = parse_dotenv(read_text_file(file, max_dotenv), file.filename().native());
    }
    const auto look_up = [&](const char* name, bool& from_file) -> std::string {
        if (auto value = environment(name); value && !value->empty()) return *value;
        const auto found = in_file.find(name);
        if (found == in_file.end() || found->second.empty()) return "";
        from_file = true;
        return found->second;
    };
    RegistryVariables variables;
    variables.url = look_up(url_variable, variables.url_from_file);
    variables.user = look_up(user_variable, variables.user_from_file);
    variables.token = look_up(token_variable, variables.token_from_file);
    return variables;
}

RegistryPlace registry_place(const RegistryVariables& variables) {
    if (variables.url.empty()) return {network_registry, url_variable};
    return {variables.url, variables.url_from_file ? "REGISTRY_URL of .env," : url_variable};
}

}  // namespace gbuild::publish
