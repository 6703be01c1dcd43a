// What a build falls back on for bases whose registry does not answer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gbuild/base/digest.h"
#include "gbuild/pack/pack.h"

namespace gbuild::build {

// An image as a cache has it: documents with the digests that they are called by.
struct CachedImage {
    Digest manifest_digest;
    std::string manifest, config;
};

// Thread-safe. `image` is what a warning calls the base. Nothing that it gives is verified by what it is called.
class StandIn {
  public:
    virtual ~StandIn() = default;
    // What the reference stood for when it was written down; nullopt when nobody knows.
    virtual std::optional<CachedImage> stand_in(const std::string& reference, const std::string& platform,
                                                const std::string& image) = 0;
    // The pack of a base's layer; null when nobody has it.
    virtual std::shared_ptr<const pack::Pack> layer_stand_in(const Digest& diff_id, const std::string& image) = 0;
    // Whether that is where the layer's pack came from.
    virtual bool stood_in(const Digest& diff_id) const = 0;
    // In whose name is kept what is made from now on: "" as long as nothing was taken from anywhere.
    virtual std::string scope() const = 0;
};

}  // namespace gbuild::build
