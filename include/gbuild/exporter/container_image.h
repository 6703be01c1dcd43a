// A container image: one layer, its configuration and manifest, as an OCI image layout (image-spec, image-layout.md) or
// as what `docker load` reads (a layout with docker's manifest.json and repositories beside it, as docker saves it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gbuild/exporter/layer.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/oci/reference.h"

namespace gbuild::exporter {

using Annotations = std::map<std::string, std::string>;

struct ImageRequest {
    oci::ImageConfig config;           // `diff_ids` are filled in
    std::vector<std::string> history;  // what each instruction was, first one first
    std::vector<oci::ImageName> names;
    Annotations annotations;             // of the manifest
    Annotations descriptor_annotations;  // of the manifest's entries in the index
};

struct ContainerImage {
    std::string config_json, manifest_json;
    Digest config, manifest;
    Layer layer;
    int layer_fd = -1;  // the caller's; holds the layer's blob from its start on
    std::vector<oci::ImageName> names;
    Annotations descriptor_annotations;
    oci::Platform platform;
    int64_t created = 0;
};

ContainerImage make_image(const ImageRequest& request, Layer layer, int layer_fd);

enum class ArchiveFormat { oci, docker };

// The whole image as one tar archive.
void write_archive(const ContainerImage& image, ArchiveFormat format, const ByteConsumer& output);

// The image in a directory: a new or empty one, or an OCI layout, whose other images stay. Throws conflict for a
// directory with something else in it, io.
void write_layout(const ContainerImage& image, const std::filesystem::path& directory);

}  // namespace gbuild::exporter
