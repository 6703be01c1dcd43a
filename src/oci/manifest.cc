#include "gbuild/oci/manifest.h"

#include <algorithm>

#include <fmt/format.h>

#include "descriptor.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/json.h"
#include "gbuild/oci/media_type.h"

namespace gbuild::oci {

namespace {

constexpr size_t max_index_entries = 4096;
constexpr std::string_view schema1_prefix = "application/vnd.docker.distribution.manifest.v1+";

[[noreturn]] void fail_schema1() {
    throw Error(ErrorKind::unsupported, "manifest: docker's schema 1 is not supported")
        .hint("push the image again with a current docker, or use a newer tag of it");
}

// What the transport says of the body; "" when it says nothing that tells manifests apart.
std::string transport_type(std::string_view content_type) {
    std::string type = bare_media_type(content_type);
    if (type.starts_with(schema1_prefix)) fail_schema1();
    if (is_index_type(type) || is_manifest_type(type)) return type;
    for (std::string_view generic : {"", "application/json", "text/plain", "application/octet-stream"}) {
        if (type == generic) return "";
    }
    throw Error(ErrorKind::integrity, fmt::format("manifest: the content type {} is none of an image", quoted(type)))
        .hint("is this the address of an image registry?");
}

Manifest read_manifest(const JsonValue& root, std::string media_type) {
    Manifest manifest{.media_type = std::move(media_type), .config = {}, .layers = {}, .annotations = {}};
    JsonValue config = root.require("config");
    manifest.config = read_descriptor(config);
    if (!is_config_type(manifest.config.media_type)) {
        config.require("mediaType")
            .fail(fmt::format("{} is an artifact, not an image", quoted(manifest.config.media_type)),
                  ErrorKind::unsupported);
    }
    if (manifest.config.size > max_config_size) {
        config.require("size").fail(fmt::format("a configuration of {} is larger than the {} allowed",
                                                human_size(manifest.config.size), human_size(max_config_size)),
                                    ErrorKind::limit);
    }
    for (const auto& element : root.require("layers").elements(max_layers)) {
        Descriptor layer = read_descriptor(element);
        if (!is_layer_type(layer.media_type)) {
            element.require("mediaType")
                .fail(fmt::format("{} is no layer of an image", quoted(layer.media_type)), ErrorKind::unsupported);
        }
        manifest.layers.push_back(std::move(layer));
    }
    manifest.annotations = read_annotations(root);
    return manifest;
}

Index read_index(const JsonValue& root, std::string media_type) {
    Index index{.media_type = std::move(media_type), .manifests = {}, .annotations = {}};
    for (const auto& element : root.require("manifests").elements(max_index_entries)) {
        index.manifests.push_back(read_descriptor(element));
    }
    index.annotations = read_annotations(root);
    return index;
}

// The document's media type as body and transport tell it, or as its members do when both are silent.
std::string document_type(const JsonValue& root, const std::string& transport) {
    auto body = root.get("mediaType");
    std::string type = body ? bare_media_type(body->string()) : transport;
    if (body && !transport.empty() && type != transport) {
        body->fail(fmt::format("{} disagrees with the content type {}", quoted(type), quoted(transport)));
    }
    if (body && type.starts_with(schema1_prefix)) fail_schema1();
    if (body && !is_index_type(type) && !is_manifest_type(type)) {
        body->fail(fmt::format("{} is neither an image manifest nor an index", quoted(type)), ErrorKind::unsupported);
    }
    bool entries = root.has("manifests");
    bool layers = root.has("layers") || root.has("config");
    // One document read as both by different programs could pass a check as the one and run as the other.
    if (entries && layers) root.fail("is a manifest and an index at once");
    if (!type.empty()) return type;
    if (!entries && !layers) root.fail("is neither an image manifest nor an index");
    return std::string(entries ? media_type::oci_index : media_type::oci_manifest);
}

bool is_unknown(const Descriptor& entry) {
    return entry.platform && entry.platform->os == "unknown" && entry.platform->architecture == "unknown";
}

std::string list_platforms(const Index& index) {
    std::vector<std::string> names;
    for (const auto& entry : index.manifests) {
        if (!entry.platform || is_unknown(entry)) continue;
        std::string name = printable(entry.platform->text());
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    }
    return join(names, ", ");
}

}  // namespace

std::variant<Manifest, Index> parse_manifest(std::string_view text, std::string_view content_type) {
    std::string transport = transport_type(content_type);
    nlohmann::json document = parse_json(text, "manifest", {.bytes = max_manifest_size});
    JsonValue root(document, "manifest");
    JsonValue version = root.require("schemaVersion");
    if (version.integer() == 1) fail_schema1();
    if (version.integer() != 2) version.fail("must be 2");
    std::string type = document_type(root, transport);
    if (is_index_type(type)) return read_index(root, std::move(type));
    return read_manifest(root, std::move(type));
}

const Descriptor& choose_platform(const Index& index, const Platform& wanted) {
    const Descriptor* best = nullptr;
    const Descriptor* nameless = nullptr;
    size_t nameless_count = 0;
    std::string best_variant;
    Platform want = wanted.normalized();
    for (const auto& entry : index.manifests) {
        if (!entry.platform) {
            nameless = &entry;
            nameless_count++;
            continue;
        }
        if (is_unknown(entry) || !matches(want, *entry.platform)) continue;
        // Without a wish, the lowest variant: it runs on every machine of the architecture.
        std::string variant = entry.platform->normalized().variant;
        if (!best || variant < best_variant) {
            best = &entry;
            best_variant = std::move(variant);
        }
    }
    if (best) return *best;
    // An index of one image, as layouts have it, need not say the platform; the image's configuration does.
    if (nameless_count == 1) return *nameless;
    std::string existing = list_platforms(index);
    Error error(ErrorKind::unsupported, fmt::format("the image has no {} variant", want.text()));
    if (existing.empty()) throw error.hint("its index names no platforms");
    throw error.hint(fmt::format("it exists for {}; choose with --platform", existing));
}

std::string manifest_accept() {
    return fmt::format("{}, {}, {}, {}", media_type::oci_index, media_type::oci_manifest, media_type::docker_list,
                       media_type::docker_manifest);
}

}  // namespace gbuild::oci
