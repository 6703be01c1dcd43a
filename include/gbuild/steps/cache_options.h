// Which results of steps a build uses, and where they are shared with other machines: --no-cache, --cache-from,
// --cache-to.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/oci/reference.h"

namespace gbuild::build {

struct RegistryCache {
    oci::Reference reference;
    bool operator==(const RegistryCache&) const = default;
};
// A directory in OCI image layout.
struct LocalCache {
    std::filesystem::path directory;
    std::string tag = "latest";    // the entry's org.opencontainers.image.ref.name
    std::optional<Digest> digest;  // to be read: this manifest, whatever the tag says
    bool operator==(const LocalCache&) const = default;
};

struct CacheSource {
    std::variant<RegistryCache, LocalCache> place;
    bool operator==(const CacheSource&) const = default;
};

enum class CacheMode {
    min,  // what the image itself is made of
    max,  // all steps, of other stages too
};
struct CacheTarget {
    std::variant<RegistryCache, LocalCache> place;
    CacheMode mode = CacheMode::min;
    bool ignore_error = false;  // a cache that cannot be written is a warning
    bool operator==(const CacheTarget&) const = default;
};

struct CacheOptions {
    bool no_cache = false;                        // execute all steps, whatever is known of their results
    std::vector<std::string> no_cache_of_stages;  // those of these stages, by name or number
    std::vector<CacheSource> cache_from;          // asked for what the store does not know
    std::vector<CacheTarget> cache_to;            // given what this build used
};

}  // namespace gbuild::build
