#include "gbuild/steps/cache_import.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/manifest.h"
#include "gbuild/pack/pack_store.h"
#include "gbuild/registry/artifact.h"

namespace gbuild::build {

namespace {

constexpr uint64_t steps_cap = uint64_t{256} << 20;
constexpr int first_fetch = 1'000'000;  // transfers of layers that are pulled have lower numbers

// The same for everybody who names the same place.
std::string name_of(const CacheSource& from) {
    if (const auto* remote = std::get_if<RegistryCache>(&from.place)) return remote->reference.text();
    const auto& local = std::get<LocalCache>(from.place);
    const std::string directory = std::filesystem::absolute(local.directory).lexically_normal().native();
    return fmt::format("{} {}", directory, local.digest ? local.digest->text() : local.tag);
}

}  // namespace

CacheImport::CacheImport(const CacheOptions& options, const Environment& env) : env_(env) {
    if (options.no_cache) return;
    for (const CacheSource& from : options.cache_from) {
        Cache cache;
        cache.name = name_of(from);
        names_.push_back(cache.name);
        try {
            cache.source = open(from);
            read(cache);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            give_up(cache.source ? cache.source->name() : "", error);
            continue;
        }
        caches_.push_back(std::move(cache));
    }
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

CacheImport::~CacheImport() = default;

void CacheImport::give_up(const std::string& name, const Error& error) const {
    const std::string called = name.empty() ? "a cache" : "the cache " + name;
    std::string hint = error.kind() == ErrorKind::not_found ? "the first build with --cache-to makes it" : error.hint();
    env_.events.emit(Warning{"cache-import", fmt::format("{} is not used: {}", called, error.message()), std::nullopt,
                             std::move(hint)});
}

void CacheImport::break_off(const Cache& cache, const Error& error) {
    if (state_.lock()->broken.insert(&cache).second) give_up(cache.source->name(), error);
}

std::unique_ptr<registry::ImageSource> CacheImport::open(const CacheSource& from) {
    if (const auto* remote = std::get_if<RegistryCache>(&from.place)) return env_.client.image(remote->reference);
    const auto& local = std::get<LocalCache>(from.place);
    return registry::open_oci_layout(local.directory.native(), local.digest ? local.digest->text() : local.tag);
}

void CacheImport::read(Cache& cache) {
    const registry::FetchedArtifact fetched = registry::fetch_artifact(*cache.source, oci::cache_artifact, env_.stop);
    cache.references = decode_references(fetched.config);
    for (const oci::Descriptor& blob : fetched.manifest.layers) {
        if (blob.media_type == cache_type::document) cache.documents.emplace(blob.digest, blob);
        if (blob.media_type == cache_type::steps) {
            for (CachedStep& step : decode_steps(registry::fetch_text(*cache.source, blob, steps_cap, env_.stop))) {
                cache.steps.emplace(std::move(step.key), std::move(step.changes));
            }
        }
        const auto layer = blob.annotations.find(cache_annotation::layer);
        const auto packing = blob.annotations.find(cache_annotation::packing);
        if (blob.media_type != cache_type::pack || layer == blob.annotations.end()) continue;
        if (packing == blob.annotations.end() || packing->second != env_.packing.key()) continue;
        if (auto digest = Digest::parse(layer->second)) cache.packs.emplace(*digest, blob);
    }
}

std::vector<std::string> CacheImport::scopes() const {
    if (is_abandoned()) return {};
    std::vector<std::string> scopes = names_;
    if (names_.size() > 1) scopes.push_back(join(names_, "\n"));
    return scopes;
}

std::string CacheImport::scope() const {
    auto state = state_.lock();
    if (state->used.size() <= 1) return state->used.empty() ? "" : *state->used.begin();
    return join(names_, "\n");
}

void CacheImport::use(const std::string& scope) {
    auto state = state_.lock();
    if (std::find(names_.begin(), names_.end(), scope) != names_.end())
        state->used.insert(scope);
    else
        state->used.insert(names_.begin(), names_.end());
}

bool CacheImport::abandon(const Error& why) {
    auto state = state_.lock();
    if (state->used.empty() || std::exchange(state->abandoned, true)) return false;
    env_.events.emit(Warning{
        "cache-import", fmt::format("what was taken from a cache does not fit, and is not used: {}", why.message()),
        std::nullopt, "write the cache anew with --cache-to"});
    for (const Cache& cache : caches_) state->broken.insert(&cache);
    return true;
}

std::optional<CachedResult> CacheImport::result(const Digest& key) const {
    for (const Cache& cache : caches_) {
        auto found = cache.steps.find(key);
        if (found != cache.steps.end() && !is_broken(cache)) return CachedResult{found->second, cache.name};
    }
    return std::nullopt;
}

std::optional<oci::Descriptor> CacheImport::blob_of(const Digest& layer) const {
    for (const Cache& cache : caches_) {
        auto found = cache.packs.find(layer);
        if (found != cache.packs.end() && !is_broken(cache)) return found->second;
    }
    return std::nullopt;
}

// Nobody vouches for a base's layer: what is kept of one is never taken for something whose contents were checked.
std::string CacheImport::pack_name(const std::string& cache, const Digest& layer, Check check) const {
    return fmt::format("{} of {}\n{}", check == Check::contents ? "layer" : "base", cache,
                       pack_key(layer, env_.packing));
}

bool CacheImport::has(const Digest& layer) const {
    if (is_abandoned()) return false;
    return blob_of(layer) || std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
               return env_.store.open_pack(pack_name(name, layer, Check::contents)).has_value();
           });
}

void CacheImport::drop(const Digest& layer) const {
    for (const std::string& name : names_) {
        for (Check check : {Check::contents, Check::nothing}) env_.store.remove_pack(pack_name(name, layer, check));
    }
}

std::shared_ptr<const pack::Pack> CacheImport::fetch(const Digest& layer) { return fetch(layer, Check::contents); }

std::shared_ptr<const pack::Pack> CacheImport::pass_on(const Digest& layer) {
    if (auto checked = fetch_kept(layer, Check::contents)) return checked;
    return fetch(layer, Check::nothing);
}

std::shared_ptr<const pack::Pack> CacheImport::fetch(const Digest& layer, Check check) {
    if (auto kept = fetch_kept(layer, check)) return kept;
    for (const Cache& cache : caches_) {
        const auto found = cache.packs.find(layer);
        if (found == cache.packs.end() || is_broken(cache)) continue;
        const oci::Descriptor& blob = found->second;
        try {
            const int transfer = first_fetch + fetches_++;
            env_.events.emit(TransferStarted{transfer, 0, layer.text().substr(0, 19), "fetching", blob.size});
            auto pack = fetch_from(cache, blob, layer, check);
            env_.events.emit(TransferFinished{transfer, false});
            return pack;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::no_space) throw;
            break_off(cache, error);
        }
    }
    return nullptr;
}

std::shared_ptr<const pack::Pack> CacheImport::fetch_kept(const Digest& layer, Check check) {
    if (is_abandoned()) return nullptr;
    for (const std::string& name : names_) {
        if (auto pack = open_stored_pack(env_.store, pack_name(name, layer, check), layer, env_.packing)) {
            use(name);
            return pack;
        }
    }
    return nullptr;
}

std::shared_ptr<const pack::Pack> CacheImport::fetch_from(const Cache& cache, const oci::Descriptor& blob,
                                                          const Digest& layer, Check check) {
    const std::string key = pack_name(cache.name, layer, check);
    auto waiting = [&] { env_.events.emit(Notice{"waiting for another one that is fetching the same layer"}); };
    const FileLock lock = env_.store.lock("pack " + key, waiting, env_.stop);
    use(cache.name);
    if (auto pack = open_stored_pack(env_.store, key, layer, env_.packing)) return pack;
    AtomicFile file = env_.store.new_pack(key);
    env_.store.writing([&] { registry::fetch_to_file(*cache.source, blob, file.fd(), env_.stop); });
    const auto pack = pack::Pack::open(duplicate(file.fd()), env_.packing, layer);
    if (check == Check::contents && (pack->contents_digest() != layer || !pack->holds_its_contents())) {
        throw Error(ErrorKind::integrity, fmt::format("its layer {} holds something else", layer.short_hex()));
    }
    return commit_pack(env_.store, file, env_.packing);
}

CachedImage CacheImport::read_image(const Cache& cache, const CachedReference& reference) const {
    const auto document = [&](const Digest& digest, uint64_t cap) {
        const auto found = cache.documents.find(digest);
        if (found == cache.documents.end()) {
            throw Error(ErrorKind::integrity, fmt::format("{} is not in it", digest.text()));
        }
        return registry::fetch_text(*cache.source, found->second, cap, env_.stop);
    };
    CachedImage image{reference.manifest, document(reference.manifest, oci::max_manifest_size), ""};
    const auto parsed = oci::parse_manifest(image.manifest, "");
    const auto* manifest = std::get_if<oci::Manifest>(&parsed);
    if (!manifest) {
        throw Error(ErrorKind::integrity, fmt::format("{} in it is no image's manifest", reference.manifest.text()));
    }
    image.config = document(manifest->config.digest, oci::max_config_size);
    return image;
}

std::optional<CachedImage> CacheImport::stand_in(const std::string& reference, const std::string& platform,
                                                 const std::string& image) {
    for (const Cache& cache : caches_) {
        const auto found = std::find_if(cache.references.begin(), cache.references.end(), [&](const auto& one) {
            return one.reference == reference && one.platform == platform;
        });
        if (found == cache.references.end() || is_broken(cache)) continue;
        try {
            CachedImage read = read_image(cache, *found);
            use(cache.name);
            warn_of_stand_in(image);
            return read;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            break_off(cache, error);
        }
    }
    return std::nullopt;
}

std::shared_ptr<const pack::Pack> CacheImport::layer_stand_in(const Digest& diff_id, const std::string& image) {
    auto pack = fetch(diff_id, Check::nothing);
    if (!pack) return nullptr;
    state_.lock()->stood_in.insert(diff_id);
    warn_of_stand_in(image);
    return pack;
}

void CacheImport::warn_of_stand_in(const std::string& image) {
    if (!state_.lock()->warned.insert(image).second) return;
    env_.events.emit(Warning{
        "cache-base",
        fmt::format("the registry of {} does not answer; a cache stands in for it, and nothing vouches for that",
                    image),
        std::nullopt, "pin the base by digest (FROM NAME@sha256:…), and only its registry will do"});
}

}  // namespace gbuild::build
