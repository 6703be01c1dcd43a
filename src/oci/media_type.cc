#include "gbuild/oci/media_type.h"

#include <algorithm>
#include <array>

#include "gbuild/base/text.h"

namespace gbuild::oci {

std::string bare_media_type(std::string_view content_type) {
    return to_lower(trim(content_type.substr(0, content_type.find(';'))));
}

bool is_index_type(std::string_view type) { return type == media_type::oci_index || type == media_type::docker_list; }

bool is_manifest_type(std::string_view type) {
    return type == media_type::oci_manifest || type == media_type::docker_manifest;
}

bool is_config_type(std::string_view type) {
    return type == media_type::oci_config || type == media_type::docker_config || type == "application/octet-stream";
}

bool is_layer_type(std::string_view type) {
    static constexpr std::array<std::string_view, 4> stems = {
        media_type::oci_layer,
        media_type::docker_layer,
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
    };
    // OCI writes the compression as "+gzip", docker as ".gzip".
    static constexpr std::array<std::string_view, 5> suffixes = {"", "+gzip", ".gzip", "+zstd", ".zstd"};
    return std::any_of(stems.begin(), stems.end(), [&](std::string_view stem) {
        return type.starts_with(stem) &&
               std::find(suffixes.begin(), suffixes.end(), type.substr(stem.size())) != suffixes.end();
    });
}

}  // namespace gbuild::oci
