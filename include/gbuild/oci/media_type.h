// The media types of images: OCI image-spec 1.1 (media-types.md) and Docker's schema 2.
#pragma once

#include <string>
#include <string_view>

namespace gbuild::oci {

namespace media_type {
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
}  // namespace media_type

// "Application/JSON; charset=utf-8" → "application/json".
std::string bare_media_type(std::string_view content_type);

bool is_index_type(std::string_view media_type);
bool is_manifest_type(std::string_view media_type);
// An image's configuration; includes the application/octet-stream that early docker registries wrote.
bool is_config_type(std::string_view media_type);
// A layer tar in any compression, foreign ones included. Compression is told by the bytes, never by this.
bool is_layer_type(std::string_view media_type);

}  // namespace gbuild::oci
