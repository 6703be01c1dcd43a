// The images a plan starts from: found, and their manifests and configurations read and kept in the store.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gbuild/bases/environment.h"
#include "gbuild/bases/stand_in.h"
#include "gbuild/bases/unpacked_archives.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/plan/plan.h"
#include "gbuild/registry/image_source.h"
#include "gbuild/sources/inputs.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

struct BaseImage {
    std::string name;  // "debian:latest", "oci-layout://base"
    std::shared_ptr<registry::ImageSource> source;
    registry::ResolvedImage resolved;
    oci::ImageConfig config;      // as many diff_ids as the manifest has layers
    bool may_pull = true;         // layers that the store does not have; reading a local source is never a pull
    bool needs_registry = false;  // nothing may stand in for it: it is pinned by digest, or --pull was given
    bool is_from_cache = false;   // its registry did not answer
    int step = 0;                 // the number of the first step that names it, once that is known
};

class BaseImages {
  public:
    // `stand_in` is asked when a registry does not answer; may be null. All must outlive it.
    BaseImages(PullPolicy pull, const Environment& env, StandIn* stand_in,
               std::map<std::string, NamedContext> contexts);

    // Resolves them all side by side, those that have not been. The first failure stops the rest and is thrown, with
    // the image's name as context and the place that names it.
    void resolve(const std::vector<plan::NeededBase>& bases);

    // What can be told of a base without asking a registry and without reading much; nullopt when nothing can. Starts
    // no threads.
    std::optional<oci::ImageConfig> known_config(const plan::Base& base) const;

    // One that resolve() was given and that is an image; throws dockerfile for a directory context used as an image.
    const BaseImage& at(const plan::Base& base) const;
    // Tells which step names the image; the first one counts.
    void set_step(const plan::Base& base, int step);
    // The distinct images resolved, by the name they were asked for.
    const std::map<std::string, BaseImage>& all() const { return images_; }

  private:
    BaseImage resolve_named(const plan::NeededBase& needed);
    BaseImage resolve_one(const plan::Base& base);
    BaseImage from_registry(const std::string& reference, const oci::Platform& platform);
    BaseImage unresolved(const oci::Reference& reference);
    BaseImage from_archive(std::string name, std::unique_ptr<registry::ImageSource> source,
                           const oci::Platform& platform);
    BaseImage from_registry(const oci::Reference& reference, const oci::Platform& platform);
    std::optional<BaseImage> from_cache(const oci::Reference& reference, const oci::Platform& platform);
    std::optional<BaseImage> from_store(const oci::Reference& reference, const oci::Platform& platform);
    std::optional<oci::ImageConfig> remembered(const std::string& reference, const oci::Platform& platform) const;
    void read_config(BaseImage& image, const oci::Platform& platform);

    PullPolicy pull_;
    const store::Store& store_;
    StandIn* stand_in_;
    std::map<std::string, NamedContext> contexts_;
    EventSink& events_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    registry::Client& client_;
    UnpackedArchives archives_;
    std::map<std::string, BaseImage> images_;
};

// True for bases that are neither scratch nor another stage.
bool is_external(const plan::Base& base);

// The configuration of an image that the store remembers; nullopt for any other. Asks no registry.
std::optional<oci::ImageConfig> remembered_config(const store::Store& store, const std::string& reference,
                                                  const oci::Platform& platform);
// The same for the store at `root`: makes none where there is none, and what cannot be read is not known.
std::optional<oci::ImageConfig> remembered_config(const std::filesystem::path& root, const std::string& reference,
                                                  const oci::Platform& platform);

}  // namespace gbuild::build
