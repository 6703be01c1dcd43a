// Step results and packs that other machines made (--cache-from). Nothing is taken on trust: blobs have the digests
// that the cache's manifest names, and a cache that is missing, damaged or something else is warned of and left out of
// account from then on.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cache_format.h"
#include "gbuild/base/events.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/build/build.h"
#include "gbuild/oci/artifact.h"
#include "gbuild/pack/pack.h"
#include "gbuild/registry/client.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

// Thread-safe once it is made.
class CacheImport {
  public:
    // Fetches the manifests of the caches that the options name, and all but the packs. All must outlive it. Throws
    // interrupted only.
    CacheImport(const BuildOptions& options, const store::Store& store, registry::Client& client, EventSink& events,
                std::stop_token stop);
    ~CacheImport();

    // What an image's reference stood for when a cache was written: its manifest's digest, whose document the store
    // has.
    std::optional<Digest> manifest_of(const std::string& reference, const std::string& platform) const;
    // What some cache has for a step's key.
    std::optional<std::string> changes(const Digest& key) const;
    // Whether some cache has the layer's pack, as far as is known.
    bool has(const Digest& layer) const;
    // Fetches the layer's pack to the store; null when no cache has it whole.
    std::shared_ptr<const pack::Pack> fetch(const Digest& layer);
    // The blob that some cache has of the layer's pack.
    std::optional<oci::Descriptor> blob_of(const Digest& layer) const;

  private:
    struct Cache {
        std::string name;
        std::unique_ptr<registry::ImageSource> source;
        std::map<Digest, std::string> steps;
        std::map<Digest, oci::Descriptor> packs;  // by layer, those with our packing options
        std::vector<CachedReference> references;
        bool broken = false;
    };
    std::unique_ptr<registry::ImageSource> open(const CacheSource& from);
    void read(Cache& cache);
    void read_documents(Cache& cache, const oci::Artifact& artifact, const std::vector<CachedReference>& references);
    void give_up(const std::string& name, const Error& error) const;
    std::shared_ptr<const pack::Pack> fetch_from(registry::ImageSource& source, const oci::Descriptor& blob,
                                                 const Digest& layer);

    const BuildOptions& options_;
    const store::Store& store_;
    EventSink& events_;
    std::stop_token stop_;
    registry::Client& client_;
    std::atomic<int> fetches_ = 0;
    mutable Synchronized<std::vector<Cache>> caches_;
};

}  // namespace gbuild::build
