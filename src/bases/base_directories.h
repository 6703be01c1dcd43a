// Images extracted for commands to run on: in the store's snapshots, layer after layer while others are still pulled.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "gbuild/base/synchronized.h"
#include "gbuild/bases/base_images.h"
#include "gbuild/bases/extraction.h"
#include "gbuild/bases/layers.h"

namespace gbuild::build {

class BaseDirectories {
  public:
    BaseDirectories(const Environment& env, const StandIn* stand_in, ExtractionForm form);
    // Calls off what is under way.
    ~BaseDirectories();
    BaseDirectories(const BaseDirectories&) = delete;
    BaseDirectories& operator=(const BaseDirectories&) = delete;

    // Starts a thread that extracts the image, unless there is one. The image must outlive this. For any thread.
    void want(const BaseImage& image);

    // A layer of an image has arrived. For any thread.
    void add_layer(const Digest& layer, std::shared_ptr<const pack::Pack> pack);

    // The directory of a wanted image, once it is complete; all of its layers must have been added, or be about to. For
    // any thread. Throws what extracting it failed with.
    const std::filesystem::path& of(const BaseImage& image);

    // As of(), anew: what is there is damaged.
    const std::filesystem::path& renew(const BaseImage& image);

  private:
    struct Extraction {
        std::optional<store::Snapshot> snapshot;
        std::exception_ptr error;
        bool ended = false;
        std::jthread thread;
    };
    using Extractions = std::map<const BaseImage*, Extraction>;
    void extract(const BaseImage& image, Extraction& extraction);
    store::Snapshot snapshot_of(const BaseImage& image);
    enum class StandIns { refuse, take };
    void fill(const BaseImage& image, const std::filesystem::path& directory, StandIns stand_ins);
    std::shared_ptr<const pack::Pack> wait_for_layer(const Digest& layer);

    const Environment& env_;
    const StandIn* stand_in_;
    ExtractionForm form_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    Synchronized<LayerPacks> arrived_;
    std::condition_variable_any changed_;    // of arrived_
    std::condition_variable_any ended_;      // of extractions_
    Synchronized<Extractions> extractions_;  // last: their threads use all of the above
};

// The layers of the image that was extracted under this key; nullopt for other keys, and for images that a cache stood
// in for.
std::optional<std::vector<Digest>> snapshot_layers(const std::string& key);

}  // namespace gbuild::build
