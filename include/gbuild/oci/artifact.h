// Artifacts: what is no image, in the form of an image manifest (image-spec 1.1, manifest.md, "Guidelines for Artifact
// Usage"), as any registry takes it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/oci/manifest.h"

namespace gbuild::oci {

struct ArtifactKind {
    std::string_view name;  // for messages: "gbuild cache"
    std::string_view artifact_type;
    std::string_view config_type;  // the config blob's media type
};
inline constexpr ArtifactKind cache_artifact{"gbuild cache", "application/vnd.gbuild.cache.v1",
                                             "application/vnd.gbuild.cache.config.v1+json"};

// Registries need not take a larger manifest (distribution-spec, "Pushing Manifests").
inline constexpr size_t max_artifact_manifest = 4u << 20;
inline constexpr size_t max_artifact_blobs = 20'000;
// Of one blob; the sum over all of them cannot overflow.
inline constexpr uint64_t max_artifact_blob_size = uint64_t{1} << 40;

struct Artifact {
    Descriptor config;               // its media type is the kind's
    std::vector<Descriptor> layers;  // any blobs, each with a media type of its own; the order is kept
    std::map<std::string, std::string> annotations;
};

// Canonical JSON (sorted keys, no white space), the same for equal artifacts. Throws limit when it is more than
// registries take.
std::string artifact_json(const ArtifactKind& kind, const Artifact& artifact);

// Throws unsupported, with a message that reads on after a name ("is not a gbuild cache: …"), for anything of another
// kind: images, indexes, other artifacts; integrity for what is none of these or names the place of what is wrong;
// limit beyond the caps. `content_type` as for parse_manifest().
Artifact parse_artifact(const ArtifactKind& kind, std::string_view json, std::string_view content_type);

}  // namespace gbuild::oci
