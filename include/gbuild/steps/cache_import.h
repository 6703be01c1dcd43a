// Step results and packs that other machines made (--cache-from). Whoever can write a cache decides what it says, so as
// little as possible is taken from it, and only for builds that name it:
//  - The layers of a base come from its registry. A cache stands in for a registry that does not answer, unless the
//    base is pinned by digest: for this build, with a warning.
//  - Every other layer is called by what stands for its contents, and is refused when it holds anything else.
//  - A step's result is what the cache says. Which steps those are is for CachePolicy to say (forecast.h).
//  - What was taken is kept under keys that name the cache, and so is everything made after that in the same build,
//    whether it depends on it or not.
// A cache that is missing, damaged or something else is warned of and left out of account from then on.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gbuild/base/synchronized.h"
#include "gbuild/bases/environment.h"
#include "gbuild/bases/stand_in.h"
#include "gbuild/oci/artifact.h"
#include "gbuild/pack/pack.h"
#include "gbuild/registry/image_source.h"
#include "gbuild/steps/cache_format.h"
#include "gbuild/steps/cache_options.h"

namespace gbuild::build {

// A step's result, and the name of the cache that it is from.
struct CachedResult {
    std::string changes;
    std::string cache;
};

// Thread-safe once it is made.
class CacheImport final : public StandIn {
  public:
    // Fetches what the caches that the options name say of steps and references. With --no-cache there are none. All
    // must outlive it. Throws interrupted only.
    CacheImport(const CacheOptions& options, const Environment& env);
    ~CacheImport() override;

    // Whether the build names caches, reached or not.
    bool any() const { return !names_.empty(); }
    // What this build names: each cache, and all together when there are several.
    std::vector<std::string> scopes() const;
    // In whose name is kept what is made from now on: "" as long as nothing was taken from any cache.
    std::string scope() const override;
    // Something that is kept in this scope is used.
    void use(const std::string& scope);
    // From now on all caches are left out of account, whatever they have; `why` is what for. False when nothing was
    // taken from any.
    bool abandon(const Error& why);

    // What some cache has for a step's key.
    std::optional<CachedResult> result(const Digest& key) const;
    // Whether some cache has the layer's pack, as far as is known.
    bool has(const Digest& layer) const;
    // The layer's pack, fetched to the store if need be, with the contents that it is called by; null when no cache has
    // that.
    std::shared_ptr<const pack::Pack> fetch(const Digest& layer);
    // The same for another cache, unchecked.
    std::shared_ptr<const pack::Pack> pass_on(const Digest& layer);
    // The blob that some cache has of the layer's pack.
    std::optional<oci::Descriptor> blob_of(const Digest& layer) const;
    // Whatever is kept of the layer's pack is damaged.
    void drop(const Digest& layer) const;

    // What a base's reference stood for when the cache was written, and a layer's pack. Both warn, and are unverified.
    std::optional<CachedImage> stand_in(const std::string& reference, const std::string& platform,
                                        const std::string& image) override;
    std::shared_ptr<const pack::Pack> layer_stand_in(const Digest& diff_id, const std::string& image) override;
    bool stood_in(const Digest& diff_id) const override { return state_.lock()->stood_in.contains(diff_id); }

  private:
    struct Cache {
        std::string name;
        std::unique_ptr<registry::ImageSource> source;
        std::map<Digest, std::string> steps;
        std::map<Digest, oci::Descriptor> packs;      // by layer, those with our packing options
        std::map<Digest, oci::Descriptor> documents;  // by their own digest
        std::vector<CachedReference> references;
    };
    enum class Check { contents, nothing };
    struct State {
        std::set<std::string> used;  // names of caches
        std::set<const Cache*> broken;
        std::set<std::string> warned;  // of images that a cache stands in for
        std::set<Digest> stood_in;     // layers
        bool abandoned = false;
    };
    std::unique_ptr<registry::ImageSource> open(const CacheSource& from);
    void read(Cache& cache);
    void give_up(const std::string& name, const Error& error) const;
    bool is_broken(const Cache& cache) const { return state_.lock()->broken.contains(&cache); }
    bool is_abandoned() const { return state_.lock()->abandoned; }
    void break_off(const Cache& cache, const Error& error);
    std::string pack_name(const std::string& cache, const Digest& layer, Check check) const;
    std::shared_ptr<const pack::Pack> fetch(const Digest& layer, Check check);
    std::shared_ptr<const pack::Pack> fetch_kept(const Digest& layer, Check check);
    std::shared_ptr<const pack::Pack> fetch_from(const Cache& cache, const oci::Descriptor& blob, const Digest& layer,
                                                 Check check);
    CachedImage read_image(const Cache& cache, const CachedReference& reference) const;
    void warn_of_stand_in(const std::string& image);

    const Environment& env_;
    std::atomic<int> fetches_ = 0;
    std::vector<std::string> names_;
    std::vector<Cache> caches_;
    mutable Synchronized<State> state_;
};

}  // namespace gbuild::build
