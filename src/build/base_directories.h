// Images extracted for commands to run on: in the store's snapshots, layer after layer while others are still pulled.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "base_images.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/sandbox/sandbox.h"
#include "layers.h"

namespace gbuild::build {

class BaseDirectories {
  public:
    // Starts a thread for each image. All must outlive this. Called off by the destructor.
    BaseDirectories(const std::vector<const BaseImage*>& images, const LayerJob& job, const sandbox::Sandbox& sandbox);
    ~BaseDirectories();
    BaseDirectories(const BaseDirectories&) = delete;
    BaseDirectories& operator=(const BaseDirectories&) = delete;

    // A layer of an image has arrived. For any thread.
    void add_layer(const Digest& layer, std::shared_ptr<const pack::Pack> pack);

    // The directory of one of the images, once it is complete; all of its layers must have been added. Throws what
    // extracting it failed with.
    const std::filesystem::path& of(const BaseImage& image);

  private:
    struct Extraction {
        std::optional<store::Snapshot> snapshot;
        std::exception_ptr error;
        std::jthread thread;
    };
    void extract(const BaseImage& image, Extraction& extraction);
    void fill(const BaseImage& image, const std::filesystem::path& directory);
    std::shared_ptr<const pack::Pack> wait_for_layer(const Digest& layer);

    const LayerJob& job_;
    const sandbox::Sandbox& sandbox_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    Synchronized<LayerPacks> arrived_;
    std::condition_variable_any changed_;
    std::map<const BaseImage*, Extraction> extractions_;  // last: their threads use all of the above
};

}  // namespace gbuild::build
