#include "gbuild/golem/payload_manifest.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/json.h"

namespace gbuild::golem {

namespace {

using nlohmann::ordered_json;
using oci::JsonValue;

constexpr std::string_view schema_version = "0.1.0";
constexpr size_t most_entries = 10'000;
constexpr std::array<std::string_view, 4> default_protocols = {"http", "https", "ws", "wss"};

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::usage, what).hint(hint);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_version_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit) && (text.size() == 1 || text[0] != '0');
}

// Of what stands behind "-" and "+".
bool are_identifiers(std::string_view text, bool numbers_plain) {
    for (const std::string& part : split(text, '.')) {
        const bool known = !part.empty() && std::all_of(part.begin(), part.end(),
                                                        [](char c) { return is_digit(c) || is_letter(c) || c == '-'; });
        if (!known) return false;
        const bool number = std::all_of(part.begin(), part.end(), is_digit);
        if (numbers_plain && number && !is_version_number(part)) return false;
    }
    return true;
}

void check_url(const std::string& what, const std::string& url) {
    if (is_absolute_url(url)) return;
    refuse(fmt::format("{} {} is not a URL", what, quoted(url)), "write it with its scheme, as in https://example.org");
}

void check_payload(const PayloadManifest::Payload& payload) {
    if (payload.urls.empty()) refuse("the manifest has no URL of the image", "give one with --url");
    for (const std::string& url : payload.urls) check_url("payload", url);
    const std::string_view hash = payload.hash;
    constexpr std::string_view prefix = "sha3:";
    const bool good = hash.starts_with(prefix) && hash.size() == prefix.size() + 56 &&
                      hash.find_first_not_of("0123456789abcdefABCDEF", prefix.size()) == std::string_view::npos;
    if (!good) refuse(fmt::format("{} is not the hash of an image", quoted(payload.hash)), "write sha3:HEX, 56 digits");
}

ordered_json metadata_json(const PayloadManifest::Metadata& metadata) {
    ordered_json json = {{"name", metadata.name}};
    if (metadata.description) json["description"] = *metadata.description;
    json["version"] = metadata.version;
    if (!metadata.authors.empty()) json["authors"] = metadata.authors;
    if (metadata.homepage) json["homepage"] = *metadata.homepage;
    return json;
}

ordered_json payload_json(const PayloadManifest::Payload& payload) {
    ordered_json json = ordered_json::object();
    if (payload.platform) {
        json["platform"] = {{"arch", payload.platform->arch}, {"os", payload.platform->os}};
        if (payload.platform->os_version) json["platform"]["osVersion"] = *payload.platform->os_version;
    }
    json["urls"] = payload.urls;
    json["hash"] = payload.hash;
    return json;
}

ordered_json outbound_json(const PayloadManifest::Outbound& outbound) {
    ordered_json json = {{"protocols", outbound.protocols}};
    if (outbound.urls.empty())
        json["unrestricted"] = {{"urls", true}};
    else
        json["urls"] = outbound.urls;
    return json;
}

ordered_json computation_json(const PayloadManifest& manifest) {
    ordered_json json = {{"version", schema_version}};
    if (manifest.script) json["script"] = {{"commands", manifest.script->commands}, {"match", manifest.script->match}};
    if (manifest.outbound) json["net"]["inet"]["out"] = outbound_json(*manifest.outbound);
    return json;
}

int64_t read_time(const JsonValue& value) {
    const auto time = parse_rfc3339(value.string());
    if (!time) value.fail("must be a time such as 2024-05-01T12:00:00Z");
    return *time;
}

void read_version(const JsonValue& value) {
    if (!is_semantic_version(value.string())) value.fail("must be a semantic version such as 0.1.0");
}

std::optional<std::string> read_optional(const JsonValue& object, std::string_view key) {
    const auto value = object.get(key);
    return value ? std::optional(value->string()) : std::nullopt;
}

std::vector<std::string> read_urls(const JsonValue& value) {
    for (const JsonValue& url : value.elements(most_entries)) {
        if (!is_absolute_url(url.string())) url.fail("must be a URL");
    }
    return value.strings(most_entries);
}

PayloadManifest::Metadata read_metadata(const JsonValue& object) {
    PayloadManifest::Metadata metadata;
    metadata.name = object.require("name").string();
    read_version(object.require("version"));
    metadata.version = object.require("version").string();
    metadata.description = read_optional(object, "description");
    metadata.homepage = read_optional(object, "homepage");
    if (const auto authors = object.get("authors")) metadata.authors = authors->strings(most_entries);
    return metadata;
}

PayloadManifest::Payload read_payload(const JsonValue& object) {
    PayloadManifest::Payload payload;
    if (const auto platform = object.get("platform")) {
        payload.platform = {platform->require("arch").string(), platform->require("os").string(),
                            read_optional(*platform, "osVersion")};
    }
    payload.urls = read_urls(object.require("urls"));
    payload.hash = object.require("hash").string();
    return payload;
}

PayloadManifest::Script read_script(const JsonValue& object) {
    PayloadManifest::Script script;
    script.commands = object.require("commands").strings(most_entries);
    if (const auto match = object.get("match")) {
        script.match = match->string();
        if (script.match != "strict" && script.match != "regex") match->fail("must be strict or regex");
    }
    return script;
}

PayloadManifest::Outbound read_outbound(const JsonValue& object) {
    PayloadManifest::Outbound outbound;
    if (const auto protocols = object.get("protocols"))
        outbound.protocols = protocols->strings(most_entries);
    else
        outbound.protocols.assign(default_protocols.begin(), default_protocols.end());
    const auto urls = object.get("urls"), unrestricted = object.get("unrestricted");
    if (urls) outbound.urls = read_urls(*urls);
    if (unrestricted && !unrestricted->require("urls").boolean()) unrestricted->fail("must say that urls is true");
    if (unrestricted && urls) object.fail("must have urls or unrestricted, not both");
    if (outbound.urls.empty() && !unrestricted) object.fail("must have urls or unrestricted");
    return outbound;
}

void read_computation(const JsonValue& object, PayloadManifest& manifest) {
    read_version(object.require("version"));
    if (const auto script = object.get("script")) manifest.script = read_script(*script);
    const auto net = object.get("net");
    const auto inet = net ? net->get("inet") : std::nullopt;
    const auto out = inet ? inet->get("out") : std::nullopt;
    if (out) manifest.outbound = read_outbound(*out);
}

}  // namespace

bool is_semantic_version(std::string_view text) {
    const size_t plus = text.find('+');
    if (plus != std::string_view::npos && !are_identifiers(text.substr(plus + 1), false)) return false;
    text = text.substr(0, plus);
    const size_t dash = text.find('-');
    if (dash != std::string_view::npos && !are_identifiers(text.substr(dash + 1), true)) return false;
    const auto numbers = split(text.substr(0, dash), '.');
    return numbers.size() == 3 && std::all_of(numbers.begin(), numbers.end(), is_version_number);
}

std::string scheme_of(std::string_view url) {
    return is_absolute_url(url) ? to_lower(url.substr(0, url.find(':'))) : "";
}

bool is_absolute_url(std::string_view text) {
    const size_t colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0 || !is_letter(text[0])) return false;
    const bool scheme = std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    });
    const std::string_view rest = text.substr(colon + 3);
    const bool host = !rest.empty() && (rest[0] != '/' || text.starts_with("file:"));
    constexpr std::string_view never = " \"<>\\^`{|}";
    return scheme && host && std::all_of(text.begin(), text.end(), [&](char c) {
               return c > ' ' && c < 0x7f && never.find(c) == std::string_view::npos;
           });
}

void check_manifest(const PayloadManifest& manifest) {
    if (manifest.payload.empty()) refuse("the manifest has no payload", "give an image and its URL");
    for (const auto& payload : manifest.payload) check_payload(payload);
    if (manifest.expires_at <= manifest.created_at) {
        refuse(fmt::format("the manifest expires at {}, which is not after its creation at {}",
                           format_rfc3339(manifest.expires_at), format_rfc3339(manifest.created_at)),
               "give a later time, or a duration, with --expires");
    }
    if (manifest.metadata && manifest.metadata->name.empty())
        refuse("the application has no name", "give one with --name");
    if (manifest.metadata && !is_semantic_version(manifest.metadata->version)) {
        refuse(fmt::format("{} is not a semantic version", quoted(manifest.metadata->version)),
               "write three numbers, as in 1.0.0");
    }
    if (manifest.outbound) {
        for (const std::string& url : manifest.outbound->urls) check_url("outbound", url);
    }
}

std::string to_json(const PayloadManifest& manifest) {
    check_manifest(manifest);
    ordered_json json = {{"version", schema_version},
                         {"createdAt", format_rfc3339(manifest.created_at)},
                         {"expiresAt", format_rfc3339(manifest.expires_at)}};
    if (manifest.metadata) json["metadata"] = metadata_json(*manifest.metadata);
    json["payload"] = ordered_json::array();
    for (const auto& payload : manifest.payload) json["payload"].push_back(payload_json(payload));
    if (manifest.script || manifest.outbound) json["compManifest"] = computation_json(manifest);
    return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

PayloadManifest parse_payload_manifest(std::string_view json) {
    const nlohmann::json document = oci::parse_json(json, "manifest");
    const JsonValue root(document, "manifest");
    PayloadManifest manifest;
    read_version(root.require("version"));
    manifest.created_at = read_time(root.require("createdAt"));
    manifest.expires_at = read_time(root.require("expiresAt"));
    if (const auto metadata = root.get("metadata")) manifest.metadata = read_metadata(*metadata);
    for (const JsonValue& payload : root.require("payload").elements(most_entries))
        manifest.payload.push_back(read_payload(payload));
    if (const auto computation = root.get("compManifest")) read_computation(*computation, manifest);
    try {
        check_manifest(manifest);
    } catch (const Error& error) {
        throw Error(ErrorKind::integrity, "manifest: " + error.message());
    }
    return manifest;
}

}  // namespace gbuild::golem
