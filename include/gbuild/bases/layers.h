// Layers into packs: those the store has are opened, the others pulled, verified and packed in one pass.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>

#include "gbuild/base/events.h"
#include "gbuild/bases/base_images.h"
#include "gbuild/bases/stand_in.h"
#include "gbuild/pack/pack.h"
#include "gbuild/store/store.h"
#include "gbuild/tree/limits.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

struct LayerJob {
    const store::Store& store;
    pack::PackOptions packing;
    unsigned jobs = 1;
    EventSink& events;
    std::stop_token stop;
    StandIn* stand_in = nullptr;                 // for registries that do not answer
    uint64_t max_files = tree::usual_max_files;  // of each tree
};

using LayerPacks = std::map<Digest, std::shared_ptr<const pack::Pack>>;  // by diffID

// Told of each layer as soon as it is there; by any thread.
using LayerArrival = std::function<void(const Digest& layer, const std::shared_ptr<const pack::Pack>& pack)>;

// The packs of every layer of the images. The first failure stops the rest and is thrown. Transfers are numbered from
// `first_transfer` on.
LayerPacks obtain_layers(const std::vector<const BaseImage*>& images, const LayerJob& job,
                         const LayerArrival& arrived = {}, int first_transfer = 1);

}  // namespace gbuild::build
