// Layers into packs: those the store has are opened, the others pulled, verified and packed in one pass.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/bases/base_images.h"
#include "gbuild/bases/environment.h"
#include "gbuild/bases/stand_in.h"
#include "gbuild/pack/pack.h"

namespace gbuild::build {

using LayerPacks = std::map<Digest, std::shared_ptr<const pack::Pack>>;  // by diffID

// Told of each layer as soon as it is there; by any thread.
using LayerArrival = std::function<void(const Digest& layer, const std::shared_ptr<const pack::Pack>& pack)>;

// The packs of every layer of the images. `stand_in`, which may be null, is asked for those whose registry does not
// answer. The first failure stops the rest and is thrown. Transfers are numbered from `first_transfer` on.
LayerPacks obtain_layers(const std::vector<const BaseImage*>& images, const Environment& env, StandIn* stand_in,
                         const LayerArrival& arrived = {}, int first_transfer = 1);

}  // namespace gbuild::build
