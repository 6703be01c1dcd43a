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

// A page in place of a document: what answered is likely no registry at all.
void refuse_pages(std::string_view text, std::string_view content_type) {
    std::string type = bare_media_type(content_type);
    bool is_page = type.starts_with("text/") && type != "text/plain";
    if (!is_page || trim(text).starts_with('{')) return;
    throw Error(ErrorKind::integrity, fmt::format("manifest: the content type {} is none of an image", quoted(type)))
        .hint("is this the address of an image registry?");
}

// A list that Go wrote as null, or not at all, is empty.
std::vector<JsonValue> elements_of(const JsonValue& object, std::string_view key, size_t cap) {
    auto list = object.get(key);
    return list ? list->elements(cap) : std::vector<JsonValue>();
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
    for (const auto& element : elements_of(root, "layers", max_layers)) {
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
    for (const auto& element : elements_of(root, "manifests", max_index_entries)) {
        index.manifests.push_back(read_descriptor(element));
    }
    index.annotations = read_annotations(root);
    return index;
}

// The media type that the document gives itself; "" when it gives none.
std::string own_type(const JsonValue& root) {
    auto body = root.get("mediaType");
    std::string type = body ? bare_media_type(body->string()) : "";
    if (type.starts_with(schema1_prefix)) fail_schema1();
    if (!type.empty() && !is_index_type(type) && !is_manifest_type(type)) {
        body->fail(fmt::format("{} is neither an image manifest nor an index", quoted(type)), ErrorKind::unsupported);
    }
    return type;
}

// The document's media type. Its bytes alone say whether it is a manifest or an index, so that one digest means one
// image whoever sends it (CVE-2021-41190); `said`, from outside, only tells docker's form from OCI's.
std::string document_type(const JsonValue& root, const std::string& said) {
    std::string type = own_type(root);
    if (root.get("fsLayers")) fail_schema1();
    // Null is how Go writes an empty list: no member at all where another one tells what this is.
    bool entries = root.get("manifests").has_value();
    bool layers = root.get("layers") || root.get("config");
    // One document read as both by different programs could pass a check as the one and run as the other.
    if (entries && layers) root.fail("is a manifest and an index at once");
    if (is_index_type(type) && layers)
        root.fail("says that it is an index, but has an image's configuration or layers");
    if (is_manifest_type(type) && entries) root.fail("says that it is an image manifest, but has an index's entries");
    if (!type.empty()) return type;
    bool may_be_manifest = layers || root.has("layers") || root.has("config");
    if (!entries && !may_be_manifest && !root.has("manifests")) root.fail("is neither an image manifest nor an index");
    bool is_index = entries || !may_be_manifest;
    if (is_index ? is_index_type(said) : is_manifest_type(said)) return said;
    return std::string(is_index ? media_type::oci_index : media_type::oci_manifest);
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
    refuse_pages(text, content_type);
    nlohmann::json document = parse_json(text, "manifest", {.bytes = max_manifest_size});
    JsonValue root(document, "manifest");
    JsonValue version = root.require("schemaVersion");
    if (version.integer() == 1) fail_schema1();
    if (version.integer() != 2) version.fail("must be 2");
    std::string type = document_type(root, bare_media_type(content_type));
    if (is_index_type(type)) return read_index(root, std::move(type));
    return read_manifest(root, std::move(type));
}

const Descriptor& choose_platform(const Index& index, const Platform& wanted) {
    const Descriptor* best = nullptr;
    const Descriptor* nameless = nullptr;
    size_t nameless_count = 0;
    Platform want = wanted.normalized();
    for (const auto& entry : index.manifests) {
        if (!entry.platform) {
            nameless = &entry;
            nameless_count++;
            continue;
        }
        if (is_unknown(entry) || !matches(want, *entry.platform)) continue;
        if (!best || is_better(want, *entry.platform, *best->platform)) best = &entry;
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
