// Artifacts on their way: what a manifest names is sent before it, and nothing that comes back is taken on trust.
#pragma once

#include <stop_token>
#include <string>

#include "gbuild/oci/artifact.h"
#include "gbuild/registry/image_destination.h"
#include "gbuild/registry/image_source.h"

namespace gbuild::registry {

struct FetchedArtifact {
    oci::Artifact manifest;
    std::string config;  // digest verified
    Digest digest;       // of the manifest
};

// The manifest and the config blob; layers are fetched when they are needed. Throws as the source does, and as
// oci::parse_artifact(): what is of another kind is unsupported, "NAME is not a gbuild cache: …".
FetchedArtifact fetch_artifact(ImageSource& source, const oci::ArtifactKind& kind, std::stop_token stop);

// A small blob into memory. Throws limit beyond `cap`, integrity for another size or digest.
std::string fetch_text(ImageSource& source, const oci::Descriptor& blob, uint64_t cap, std::stop_token stop);
// A blob into an empty file that is open for reading and writing. Throws integrity for another size or digest; what is
// in the file then must not be used.
void fetch_to_file(ImageSource& source, const oci::Descriptor& blob, int fd, std::stop_token stop);

// The descriptor of bytes in memory.
oci::Descriptor describe(std::string_view bytes, std::string media_type);

// Sends the config blob (unless it is there already) and the manifest; all layers must have been sent. Returns the
// manifest's digest.
Digest put_artifact(ImageDestination& destination, const oci::ArtifactKind& kind, oci::Artifact artifact,
                    const std::string& config, std::stop_token stop);

}  // namespace gbuild::registry
