// Descriptors, manifests and indexes: OCI image-spec 1.1 and Docker v2 schema 2, read strictly.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/oci/platform.h"

namespace gbuild::oci {

// Of one image, more than any tool makes.
inline constexpr size_t max_layers = 4096;

struct Descriptor {
    std::string media_type;
    Digest digest;
    uint64_t size = 0;
    std::vector<std::string> urls;
    std::map<std::string, std::string> annotations;
    std::optional<Platform> platform;  // in indexes
};

struct Manifest {
    std::string media_type;
    Descriptor config;
    std::vector<Descriptor> layers;  // lowest first
    std::map<std::string, std::string> annotations;
};

struct Index {
    std::string media_type;
    std::vector<Descriptor> manifests;
    std::map<std::string, std::string> annotations;
};

// Parses and validates a document. Its own mediaType and members decide what it is; `content_type`, which the transport
// or an index's entry said of it ("" when nothing), is a hint: it tells docker's form from OCI's where the document
// does not, and may be wrong. Lists may be null or absent, as Go writes empty ones. Throws integrity with the JSON path
// of what is wrong, also for a document that is manifest and index at once; unsupported for schema 1 and for artifacts
// that are no images; limit beyond the caps (manifest bytes, layers, index entries, nesting).
std::variant<Manifest, Index> parse_manifest(std::string_view json, std::string_view content_type);

// The entry of an index that fits a platform best; unknown/unknown entries are skipped, and one entry without a
// platform is taken where no other fits. Throws unsupported listing what exists.
const Descriptor& choose_platform(const Index& index, const Platform& wanted);

inline constexpr size_t max_manifest_size = 16u << 20;
inline constexpr size_t max_config_size = 16u << 20;
// The Accept header's value for manifest requests.
std::string manifest_accept();

}  // namespace gbuild::oci
