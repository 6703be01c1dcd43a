#include "gbuild/oci/artifact.h"

#include <fmt/format.h>

#include "descriptor.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/media_type.h"

namespace gbuild::oci {

namespace {

[[noreturn]] void fail_foreign(const ArtifactKind& kind, const std::string& what) {
    throw Error(ErrorKind::unsupported, fmt::format("is not a {}: {}", kind.name, what));
}

void check_kind(const ArtifactKind& kind, const JsonValue& root, std::string_view content_type) {
    auto body = root.get("mediaType");
    std::string transport = bare_media_type(content_type);
    std::string type = body ? bare_media_type(body->string()) : transport;
    if (is_index_type(type) || root.has("manifests")) fail_foreign(kind, "it is an index of images");
    if (type != media_type::oci_manifest) fail_foreign(kind, fmt::format("its media type is {}", quoted(type)));
    if (is_manifest_type(transport) && transport != type) {
        body->fail(fmt::format("{} disagrees with the content type {}", quoted(type), quoted(transport)));
    }
    auto artifact_type = root.get("artifactType");
    if (!artifact_type) fail_foreign(kind, "it is an image");
    if (artifact_type->string() != kind.artifact_type) {
        fail_foreign(kind, fmt::format("its artifact type is {}", quoted(artifact_type->string())));
    }
}

Descriptor read_blob(const JsonValue& value) {
    Descriptor blob = read_descriptor(value);
    if (blob.media_type.empty()) value.require("mediaType").fail("must not be empty");
    if (blob.size > max_artifact_blob_size) {
        value.require("size").fail(fmt::format("a blob of {} is larger than the {} allowed", human_size(blob.size),
                                               human_size(max_artifact_blob_size)),
                                   ErrorKind::limit);
    }
    // Blobs come from where the manifest came from, and nowhere else.
    blob.urls.clear();
    return blob;
}

}  // namespace

std::string artifact_json(const ArtifactKind& kind, const Artifact& artifact) {
    nlohmann::json out = {{"schemaVersion", 2},
                          {"mediaType", media_type::oci_manifest},
                          {"artifactType", kind.artifact_type},
                          {"config", descriptor_json(artifact.config)},
                          {"layers", nlohmann::json::array()}};
    for (const auto& layer : artifact.layers) out["layers"].push_back(descriptor_json(layer));
    if (!artifact.annotations.empty()) out["annotations"] = artifact.annotations;
    std::string text = dump_json(out);
    if (text.size() > max_artifact_manifest || artifact.layers.size() > max_artifact_blobs) {
        throw Error(ErrorKind::limit,
                    fmt::format("a {} of {} blobs is more than registries take", kind.name, artifact.layers.size()));
    }
    return text;
}

Artifact parse_artifact(const ArtifactKind& kind, std::string_view text, std::string_view content_type) {
    std::string what = fmt::format("the manifest of the {}", kind.name);
    nlohmann::json document = parse_json(text, what, {.bytes = max_artifact_manifest});
    JsonValue root(document, what);
    check_kind(kind, root, content_type);
    JsonValue version = root.require("schemaVersion");
    if (version.integer() != 2) version.fail("must be 2");
    Artifact artifact;
    JsonValue config = root.require("config");
    artifact.config = read_blob(config);
    if (artifact.config.media_type != kind.config_type) {
        config.require("mediaType")
            .fail(fmt::format("must be {}, not {}", quoted(kind.config_type), quoted(artifact.config.media_type)));
    }
    if (artifact.config.size > max_config_size) {
        config.require("size").fail(fmt::format("a configuration of {} is larger than the {} allowed",
                                                human_size(artifact.config.size), human_size(max_config_size)),
                                    ErrorKind::limit);
    }
    for (const auto& element : root.require("layers").elements(max_artifact_blobs)) {
        artifact.layers.push_back(read_blob(element));
    }
    artifact.annotations = read_annotations(root);
    return artifact;
}

}  // namespace gbuild::oci
