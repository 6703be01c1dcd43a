#include "gbuild/bases/base_pulls.h"

#include <algorithm>

#include "base_directories.h"
#include "gbuild/base/error.h"

namespace gbuild::build {

BasePulls::BasePulls(const BaseImages& bases, const Environment& env, StandIn* stand_in,
                     const std::optional<ExtractionForm>& form) :
    bases_(bases),
    outer_stop_(env.stop, [this] { stop_.request_stop(); }),
    env_(env.until(stop_.get_token())),
    stand_in_(stand_in) {
    if (form) directories_ = std::make_unique<BaseDirectories>(env_, stand_in_, *form);
}

BasePulls::~BasePulls() {
    stop_.request_stop();
    auto state = state_.lock();
    for (const auto& [image, batch] : state->batches) batch.wait();
}

void BasePulls::want(const std::vector<const BaseImage*>& images) {
    auto state = state_.lock();
    std::vector<const BaseImage*> wanted;
    for (const BaseImage* image : images) {
        const bool is_new = !state->batches.contains(image);
        if (is_new && std::find(wanted.begin(), wanted.end(), image) == wanted.end()) wanted.push_back(image);
    }
    if (wanted.empty()) return;
    const int first = state->transfers + 1;
    for (const BaseImage* image : wanted) state->transfers += static_cast<int>(image->config.diff_ids.size());
    auto pull = [this, wanted, first] {
        return obtain_layers(
            wanted, env_, stand_in_,
            [this](const Digest& layer, const std::shared_ptr<const pack::Pack>& pack) {
                if (directories_) directories_->add_layer(layer, pack);
            },
            first);
    };
    const Batch batch = std::async(std::launch::async, pull).share();
    for (const BaseImage* image : wanted) state->batches.emplace(image, batch);
}

void BasePulls::want_directory(const BaseImage& image) {
    if (directories_) directories_->want(image);
    want({&image});
}

const LayerPacks& BasePulls::layers_of(const BaseImage& image) {
    want({&image});
    const Batch batch = state_.lock()->batches.at(&image);
    return batch.get();
}

const BaseImage* BasePulls::image_with(const Digest& diff_id) const {
    for (const auto& [name, image] : bases_.all()) {
        const std::vector<Digest>& layers = image.config.diff_ids;
        if (std::find(layers.begin(), layers.end(), diff_id) != layers.end()) return &image;
    }
    return nullptr;
}

std::shared_ptr<const pack::Pack> BasePulls::layer(const Digest& diff_id) {
    const BaseImage* image = image_with(diff_id);
    return image ? layers_of(*image).at(diff_id) : nullptr;
}

const std::filesystem::path& BasePulls::renew_directory_of(const BaseImage& image) {
    directory_of(image);
    return directories_->renew(image);
}

const std::filesystem::path& BasePulls::directory_of(const BaseImage& image) {
    want_directory(image);
    // Without all of its layers the extraction would wait for ever.
    layers_of(image);
    return directories_->of(image);
}

}  // namespace gbuild::build
