// Where images come from: a registry, an OCI layout, a docker archive. One interface, so that a build does not care.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "gbuild/base/blob_sink.h"
#include "gbuild/base/fd.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/oci/manifest.h"
#include "gbuild/oci/reference.h"

namespace gbuild::registry {

struct ManifestDocument {
    std::string json;
    std::string media_type;  // as the transport said; may be wrong
    Digest digest;           // verified over the raw bytes
    // As the entry says that led the source to it, in a layout's index; nullopt when nothing was said.
    std::optional<oci::Platform> platform = std::nullopt;
};

// Thread-safe: blobs are fetched in parallel.
class ImageSource {
  public:
    virtual ~ImageSource() = default;
    // What errors call it: "docker.io/library/debian:latest", "oci-layout:///srv/base".
    virtual std::string name() const = 0;
    // The manifest or index that the reference stands for.
    virtual ManifestDocument root_manifest(std::stop_token stop) = 0;
    // A manifest by digest (an entry of an index). Digest and size are verified.
    virtual ManifestDocument manifest(const oci::Descriptor& descriptor, std::stop_token stop) = 0;
    // Appends the rest of the blob to `sink`, from sink.received() on; retried and resumed as the source can. The
    // caller verifies the digest. Throws not_found, unauthorized, network, integrity (also for what a registry that has
    // mirrors sent; the sink is then restarted), interrupted.
    virtual void fetch_blob(const oci::Descriptor& descriptor, BlobSink& sink, std::stop_token stop) = 0;
};

struct ResolvedImage {
    oci::Manifest manifest;
    std::string manifest_json;
    Digest manifest_digest;
    Digest root_digest;  // of the index when there was one, else the manifest's
    // As the index says, which is right where the image's configuration says something else; nullopt without an index
    // that says it.
    std::optional<oci::Platform> platform = std::nullopt;
};

// Follows indexes (two levels at most) to the manifest for a platform.
ResolvedImage resolve_image(ImageSource& source, const oci::Platform& platform, std::stop_token stop);

// Gives the tar that a compressed one stands for, as a file that can be read from any place. `path` is for messages.
using UnpackArchive = std::function<std::shared_ptr<const UniqueFd>(UniqueFd compressed, const std::string& path)>;

// A directory or tar in OCI image layout. `reference` picks an entry by org.opencontainers.image.ref.name; "" takes the
// only one, and several without a choice are an error that lists them. Without `unpack` a compressed tar is refused.
std::unique_ptr<ImageSource> open_oci_layout(const std::string& path, const std::string& reference,
                                             const UnpackArchive& unpack = {});
// A `docker save` archive, old or new style; `reference` picks by RepoTags.
std::unique_ptr<ImageSource> open_docker_archive(const std::string& path, const std::string& reference,
                                                 const UnpackArchive& unpack = {});

}  // namespace gbuild::registry
