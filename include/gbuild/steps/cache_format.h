// What gbuild's caches are in registries and OCI layouts: an artifact (oci/artifact.h) of these blobs.
//
// The config blob names the images that builds started from, so that they are known where their registry is not
// reached: {"version": 1, "references": [{"reference": …, "platform": …, "manifest": DIGEST}]}.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/digest.h"

namespace gbuild::build {

namespace cache_type {
// The results of all steps: number of them, then for each its key and its changes (step_change.h).
inline constexpr const char* steps = "application/vnd.gbuild.cache.steps.v1";
// The manifest or configuration of an image that a reference names.
inline constexpr const char* document = "application/vnd.gbuild.cache.document.v1";
// A layer's pack (pack/pack.h), with the two annotations below.
inline constexpr const char* pack = "application/vnd.gbuild.cache.pack.v1";
}  // namespace cache_type

namespace cache_annotation {
inline constexpr const char* layer = "vnd.gbuild.layer";      // digest, as pack_key() takes it
inline constexpr const char* packing = "vnd.gbuild.packing";  // PackOptions::key()
}  // namespace cache_annotation

struct CachedReference {
    std::string reference, platform;
    Digest manifest;
};

std::string encode_references(const std::vector<CachedReference>& references);
// Throws integrity, and unsupported for another version.
std::vector<CachedReference> decode_references(std::string_view json);

struct CachedStep {
    Digest key;
    std::string changes;
};

std::string encode_steps(const std::vector<CachedStep>& steps);
// Throws integrity. Changes are not looked into.
std::vector<CachedStep> decode_steps(std::string_view bytes);

}  // namespace gbuild::build
