#include "gbuild/exporter/container_image.h"

#include "gbuild/base/text.h"
#include "gbuild/oci/json.h"
#include "gbuild/oci/media_type.h"

namespace gbuild::exporter {

namespace {

using nlohmann::json;
namespace types = oci::media_type;

json descriptor(std::string_view media_type, const Digest& digest, uint64_t size) {
    return {{"mediaType", media_type}, {"digest", digest.text()}, {"size", size}};
}

// All files are in one layer, so every instruction is noted as one that made none, and the layer comes last.
json history_of(const ImageRequest& request) {
    const std::string created = format_rfc3339(request.config.created.value_or(0));
    json history = json::array();
    for (const std::string& instruction : request.history) {
        history.push_back({{"created", created}, {"created_by", instruction}, {"empty_layer", true}});
    }
    history.push_back({{"created", created}, {"created_by", "gbuild"}, {"comment", "all files in one layer"}});
    return history;
}

std::string config_json_of(const ImageRequest& request, const Digest& diff_id) {
    oci::ImageConfig config = request.config;
    config.diff_ids = {diff_id};
    json document = json::parse(oci::to_json(config));
    document["history"] = history_of(request);
    return oci::dump_json(document);
}

std::string manifest_json_of(const ImageRequest& request, const ContainerImage& image) {
    json document = {{"schemaVersion", 2},
                     {"mediaType", types::oci_manifest},
                     {"config", descriptor(types::oci_config, image.config, image.config_json.size())},
                     {"layers", {descriptor(image.layer.media_type, image.layer.digest, image.layer.size)}}};
    if (!request.annotations.empty()) document["annotations"] = request.annotations;
    return oci::dump_json(document);
}

}  // namespace

ContainerImage make_image(const ImageRequest& request, Layer layer, int layer_fd) {
    ContainerImage image;
    image.layer = std::move(layer);
    image.layer_fd = layer_fd;
    image.config_json = config_json_of(request, image.layer.diff_id);
    image.config = Digest::of(image.config_json);
    image.manifest_json = manifest_json_of(request, image);
    image.manifest = Digest::of(image.manifest_json);
    image.names = request.names;
    image.descriptor_annotations = request.descriptor_annotations;
    image.platform = request.config.platform;
    image.created = request.config.created.value_or(0);
    return image;
}

}  // namespace gbuild::exporter
