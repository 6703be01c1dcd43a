#include "step_cache.h"

#include <algorithm>

#include "gbuild/base/error.h"
#include "step_change.h"

namespace gbuild::build {

StepCache::StepCache(const store::Store& store, const CacheImport& imported, KnownLayers& layers) :
    store_(store), imported_(imported), layers_(layers) {}

bool StepCache::hold_layers(const std::string& changes) {
    const auto is_there = [&](const Digest& layer) { return layers_.hold(layer); };
    for (const StepChange& change : decode_changes(changes)) {
        if (change.packed && !is_there(*change.packed)) return false;
        if (!std::all_of(change.layers.begin(), change.layers.end(), is_there)) return false;
    }
    return true;
}

std::optional<std::string> StepCache::usable(std::optional<std::string> changes, const Digest& key) {
    try {
        if (changes && hold_layers(*changes)) return changes;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::integrity && error.kind() != ErrorKind::limit) throw;
        store_.remove_note(store::NoteKind::step, key.text());
    }
    return std::nullopt;
}

std::optional<std::string> StepCache::find(const Digest& key) {
    if (auto changes = usable(store_.read_note(store::NoteKind::step, key.text()), key)) return changes;
    auto changes = usable(imported_.changes(key), key);
    if (changes) put(key, *changes);
    return changes;
}

void StepCache::put(const Digest& key, const std::string& changes) {
    store_.put_note(store::NoteKind::step, key.text(), changes);
}

FileLock StepCache::lock(const Digest& key, const std::function<void()>& waiting, const std::stop_token& stop) const {
    return store_.lock("step " + key.text(), waiting, stop);
}

}  // namespace gbuild::build
