#include "gbuild/steps/step_cache.h"

#include <algorithm>

#include "gbuild/base/error.h"
#include "gbuild/steps/step_change.h"

namespace gbuild::build {

namespace {

// What came with a cache, and what was made here after something had been taken from it.
std::string name_from(const std::string& scope, const Digest& key) { return key.text() + " from " + scope; }
std::string name_after(const std::string& scope, const Digest& key) { return key.text() + " after " + scope; }

}  // namespace

StepCache::StepCache(const store::Store& store, CacheImport& imported, KnownLayers& layers) :
    store_(store), imported_(imported), layers_(layers) {}

// Whether what it says can be read, and its layers can be had.
bool StepCache::usable(const std::string& changes) {
    const auto is_there = [&](const Digest& layer) { return layers_.hold(layer); };
    for (const StepChange& change : decode_changes(changes)) {
        if (change.packed && !is_there(*change.packed)) return false;
        if (!std::all_of(change.layers.begin(), change.layers.end(), is_there)) return false;
    }
    return true;
}

std::optional<std::string> StepCache::find_note(const std::string& name) {
    auto changes = store_.read_note(store::NoteKind::step, name);
    try {
        if (changes && usable(*changes)) return changes;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::limit) throw;
        store_.remove_note(store::NoteKind::step, name);
    }
    return std::nullopt;
}

std::optional<std::string> StepCache::find_imported(const Digest& key) {
    for (const std::string& scope : imported_.scopes()) {
        if (auto changes = find_note(name_from(scope, key))) {
            imported_.use(scope);
            return changes;
        }
    }
    const auto result = imported_.result(key);
    try {
        if (!result || !usable(result->changes)) return std::nullopt;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::limit) throw;
        return std::nullopt;
    }
    imported_.use(result->cache);
    store_.put_note(store::NoteKind::step, name_from(result->cache, key), result->changes);
    return result->changes;
}

std::optional<std::string> StepCache::find(const Digest& key, From from) {
    if (auto changes = find_note(key.text())) return changes;
    for (const std::string& scope : imported_.scopes()) {
        if (auto changes = find_note(name_after(scope, key))) {
            imported_.use(scope);
            return changes;
        }
    }
    return from == From::caches_too ? find_imported(key) : std::nullopt;
}

void StepCache::put(const Digest& key, const std::string& changes) {
    const std::string scope = imported_.scope();
    store_.put_note(store::NoteKind::step, scope.empty() ? key.text() : name_after(scope, key), changes);
}

FileLock StepCache::lock(const Digest& key, const std::function<void()>& waiting, const std::stop_token& stop) const {
    return store_.lock("step " + key.text(), waiting, stop);
}

}  // namespace gbuild::build
