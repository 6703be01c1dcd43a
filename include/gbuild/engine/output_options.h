// What a build writes, as the user says it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "gbuild/exporter/container_image.h"
#include "gbuild/oci/reference.h"

namespace gbuild::build {

// Something for the container world that a build writes.
struct ContainerOutput {
    enum class Form {
        oci,     // an OCI layout: a tar archive or a directory
        docker,  // what `docker load` reads
        tar,     // the file tree
        local,   // the file tree as files of the user's
    };
    Form form = Form::oci;
    std::optional<std::filesystem::path> destination;                 // a file, or a directory; none: standard output
    bool directory = false;                                           // always for local
    exporter::Compression compression = exporter::Compression::gzip;  // of oci's and docker's layer
    std::optional<int> compression_level;
    std::vector<oci::ImageName> names;
};

// Whom a .gvmi's commands run as.
enum class VmUser {
    root,   // whatever USER says: no other user can write to a volume
    image,  // whom USER names
};

struct OutputOptions {
    std::vector<oci::ImageName> tags;
    bool writes_gvmi = true;
    VmUser vm_user = VmUser::root;
    bool env_profile = false;                     // the image's variables are also in a file of /etc/profile.d
    std::optional<std::filesystem::path> output;  // the .gvmi; default: NAME-TAG.gvmi in the current directory
    std::vector<ContainerOutput> container_outputs;
    // Takes what has no destination; what it throws leaves the build.
    std::function<void(std::span<const std::byte>)> standard_output;
    exporter::Annotations annotations, descriptor_annotations;  // of container images
    // What the caller writes about this build. Like the image itself, these files are not part of any build context.
    std::vector<std::filesystem::path> side_files;
    // Whether the result is to have the .gvmi's descriptor for the Golem registry.
    bool describe = false;
};

}  // namespace gbuild::build
