#include "cache_import.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/artifact.h"
#include "layers.h"

namespace gbuild::build {

namespace {

constexpr uint64_t steps_cap = uint64_t{256} << 20;
constexpr int first_fetch = 1'000'000;  // transfers of layers that are pulled have lower numbers

}  // namespace

CacheImport::CacheImport(const BuildOptions& options, const store::Store& store, registry::Client& client,
                         EventSink& events, std::stop_token stop) :
    options_(options), store_(store), events_(events), stop_(std::move(stop)), client_(client) {
    for (const CacheSource& from : options.cache_from) {
        Cache cache;
        try {
            cache.source = open(from);
            cache.name = cache.source->name();
            read(cache);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            give_up(cache.name, error);
            continue;
        }
        caches_.lock()->push_back(std::move(cache));
    }
}

CacheImport::~CacheImport() = default;

void CacheImport::give_up(const std::string& name, const Error& error) const {
    const std::string called = name.empty() ? "a cache" : "the cache " + name;
    std::string hint = error.kind() == ErrorKind::not_found ? "the first build with --cache-to makes it" : error.hint();
    events_.emit(Warning{"cache-import", fmt::format("{} is not used: {}", called, error.message()), std::nullopt,
                         std::move(hint)});
}

std::unique_ptr<registry::ImageSource> CacheImport::open(const CacheSource& from) {
    if (const auto* remote = std::get_if<RegistryCache>(&from.place)) return client_.image(remote->reference);
    const auto& local = std::get<LocalCache>(from.place);
    return registry::open_oci_layout(local.directory.native(), local.digest ? local.digest->text() : local.tag);
}

void CacheImport::read(Cache& cache) {
    const registry::FetchedArtifact fetched = registry::fetch_artifact(*cache.source, oci::cache_artifact, stop_);
    const auto references = decode_references(fetched.config);
    for (const oci::Descriptor& blob : fetched.manifest.layers) {
        if (blob.media_type == cache_type::steps) {
            for (CachedStep& step : decode_steps(registry::fetch_text(*cache.source, blob, steps_cap, stop_))) {
                cache.steps.emplace(std::move(step.key), std::move(step.changes));
            }
        }
        const auto layer = blob.annotations.find(cache_annotation::layer);
        const auto packing = blob.annotations.find(cache_annotation::packing);
        if (blob.media_type != cache_type::pack || layer == blob.annotations.end()) continue;
        if (packing == blob.annotations.end() || packing->second != options_.packing.key()) continue;
        if (auto digest = Digest::parse(layer->second)) cache.packs.emplace(*digest, blob);
    }
    read_documents(cache, fetched.manifest, references);
}

// What a reference stands for is asked of the registry only when neither the store nor a cache knows it. The store is
// not told: what a cache says counts for builds that name the cache.
void CacheImport::read_documents(Cache& cache, const oci::Artifact& artifact,
                                 const std::vector<CachedReference>& references) {
    if (options_.pull == PullPolicy::always) return;
    std::set<Digest> documents;
    for (const oci::Descriptor& blob : artifact.layers) {
        if (blob.media_type != cache_type::document) continue;
        documents.insert(blob.digest);
        if (store_.open_blob(blob.digest, blob.size)) continue;
        store_.put_blob(blob.digest, registry::fetch_text(*cache.source, blob, oci::max_manifest_size, stop_));
    }
    for (const CachedReference& one : references) {
        if (!documents.contains(one.manifest)) continue;
        auto manifest = store_.read_blob(one.manifest, oci::max_manifest_size);
        if (!manifest || !std::holds_alternative<oci::Manifest>(oci::parse_manifest(*manifest, ""))) {
            throw Error(ErrorKind::integrity, fmt::format("{} in it is no image's manifest", one.manifest.text()));
        }
        cache.references.push_back(one);
    }
}

std::optional<Digest> CacheImport::manifest_of(const std::string& reference, const std::string& platform) const {
    auto caches = caches_.lock();
    for (const Cache& cache : *caches) {
        for (const CachedReference& one : cache.references) {
            if (!cache.broken && one.reference == reference && one.platform == platform) return one.manifest;
        }
    }
    return std::nullopt;
}

std::optional<std::string> CacheImport::changes(const Digest& key) const {
    auto caches = caches_.lock();
    for (const Cache& cache : *caches) {
        auto found = cache.steps.find(key);
        if (!cache.broken && found != cache.steps.end()) return found->second;
    }
    return std::nullopt;
}

std::optional<oci::Descriptor> CacheImport::blob_of(const Digest& layer) const {
    auto caches = caches_.lock();
    for (const Cache& cache : *caches) {
        auto found = cache.packs.find(layer);
        if (!cache.broken && found != cache.packs.end()) return found->second;
    }
    return std::nullopt;
}

bool CacheImport::has(const Digest& layer) const { return blob_of(layer).has_value(); }

std::shared_ptr<const pack::Pack> CacheImport::fetch(const Digest& layer) {
    const size_t count = caches_.lock()->size();
    for (size_t i = 0; i < count; i++) {
        registry::ImageSource* source = nullptr;
        oci::Descriptor blob;
        {
            auto caches = caches_.lock();
            const Cache& cache = (*caches)[i];
            auto found = cache.packs.find(layer);
            if (cache.broken || found == cache.packs.end()) continue;
            source = cache.source.get();
            blob = found->second;
        }
        try {
            const int transfer = first_fetch + fetches_++;
            events_.emit(TransferStarted{transfer, 0, layer.text().substr(0, 19), "fetching", blob.size});
            auto pack = fetch_from(*source, blob, layer);
            events_.emit(TransferFinished{transfer, false});
            return pack;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::no_space) throw;
            auto caches = caches_.lock();
            if (!std::exchange((*caches)[i].broken, true)) give_up((*caches)[i].name, error);
        }
    }
    return nullptr;
}

std::shared_ptr<const pack::Pack> CacheImport::fetch_from(registry::ImageSource& source, const oci::Descriptor& blob,
                                                          const Digest& layer) {
    const std::string key = pack_key(layer, options_.packing);
    auto waiting = [&] { events_.emit(Notice{"waiting for another one that is fetching the same layer"}); };
    const FileLock lock = store_.lock("pack " + key, waiting, stop_);
    if (auto pack = open_stored_pack(store_, key, options_.packing)) return pack;
    AtomicFile file = store_.new_pack(key);
    store_.writing([&] { registry::fetch_to_file(source, blob, file.fd(), stop_); });
    return commit_pack(store_, file, options_.packing);
}

}  // namespace gbuild::build
