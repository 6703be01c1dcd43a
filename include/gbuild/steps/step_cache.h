// Results of steps, kept in the store under the step's key.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "gbuild/base/file_lock.h"
#include "gbuild/bases/known_layers.h"
#include "gbuild/steps/cache_import.h"
#include "gbuild/steps/step_key.h"
#include "gbuild/store/store.h"

namespace gbuild::build {

// Thread-safe.
class StepCache {
  public:
    // All must outlive it.
    StepCache(const store::Store& store, CacheImport& imported, KnownLayers& layers);

    enum class From { store, caches_too };
    // What the step changed (step_change.h), as the store has it or one of the caches that the build names; nullopt
    // when neither does, or when a layer that it needs is gone. The layers are held. A damaged result is removed.
    std::optional<std::string> find(const Digest& key, From from);
    // A result that was made here: for builds that name the same caches, if this one took something from them.
    void put(const Digest& key, const std::string& changes);

    // Others, in this process and elsewhere, who would execute the same step wait for its result.
    FileLock lock(const Digest& key, const std::function<void()>& waiting, const std::stop_token& stop) const;

  private:
    std::optional<std::string> find_note(const std::string& name);
    std::optional<std::string> find_imported(const Digest& key);
    bool usable(const std::string& changes);
    bool hold_layers(const std::string& changes);

    const store::Store& store_;
    CacheImport& imported_;
    KnownLayers& layers_;
};

}  // namespace gbuild::build
