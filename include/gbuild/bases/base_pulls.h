// The images that a build's stages start from, pulled as soon as it is clear that they are needed, and extracted where
// commands run on them.
#pragma once

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "gbuild/base/synchronized.h"
#include "gbuild/bases/base_images.h"
#include "gbuild/bases/extraction.h"
#include "gbuild/bases/layers.h"

namespace gbuild::build {

class BaseDirectories;

// Thread-safe. Calls off what is under way when destroyed.
class BasePulls {
  public:
    // Images are extracted in that form, if any. All must outlive this; `stand_in` may be null.
    BasePulls(const BaseImages& bases, const Environment& env, StandIn* stand_in,
              const std::optional<ExtractionForm>& form);
    ~BasePulls();
    BasePulls(const BasePulls&) = delete;
    BasePulls& operator=(const BasePulls&) = delete;

    // Starts pulling those that nobody wanted before, side by side.
    void want(const std::vector<const BaseImage*>& images);
    // Starts extracting the image, too.
    void want_directory(const BaseImage& image);

    // The packs of the image's layers, at least. Throws what pulling them failed with.
    const LayerPacks& layers_of(const BaseImage& image);
    // Whether it is a layer of one of the build's images.
    bool has(const Digest& diff_id) const { return image_with(diff_id) != nullptr; }
    // The pack of such a layer; null for another one's.
    std::shared_ptr<const pack::Pack> layer(const Digest& diff_id);
    // Where the image's files are; images must be extracted.
    const std::filesystem::path& directory_of(const BaseImage& image);
    // The same, extracted anew: what is there is damaged.
    const std::filesystem::path& renew_directory_of(const BaseImage& image);

  private:
    using Batch = std::shared_future<LayerPacks>;
    struct State {
        std::map<const BaseImage*, Batch> batches;
        int transfers = 0;  // numbers given so far
    };

    const BaseImage* image_with(const Digest& diff_id) const;

    const BaseImages& bases_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    Environment env_;
    StandIn* stand_in_;
    std::unique_ptr<BaseDirectories> directories_;  // null when nothing is to be extracted
    Synchronized<State> state_;
};

}  // namespace gbuild::build
