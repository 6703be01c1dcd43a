// Results of steps, kept in the store under the step's key.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "cache_import.h"
#include "gbuild/base/file_lock.h"
#include "gbuild/store/store.h"
#include "known_layers.h"
#include "step_key.h"

namespace gbuild::build {

// Thread-safe.
class StepCache {
  public:
    // All must outlive it.
    StepCache(const store::Store& store, const CacheImport& imported, KnownLayers& layers);

    // What the step changed (step_change.h), as the store or an imported cache has it; nullopt when neither does, or
    // when a layer that it needs is gone. The layers are held. A damaged result is removed.
    std::optional<std::string> find(const Digest& key);
    void put(const Digest& key, const std::string& changes);

    // Others, in this process and elsewhere, who would execute the same step wait for its result.
    FileLock lock(const Digest& key, const std::function<void()>& waiting, const std::stop_token& stop) const;

  private:
    std::optional<std::string> usable(std::optional<std::string> changes, const Digest& key);
    bool hold_layers(const std::string& changes);

    const store::Store& store_;
    const CacheImport& imported_;
    KnownLayers& layers_;
};

}  // namespace gbuild::build
