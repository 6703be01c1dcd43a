// Layers into packs: those the store has are opened, the others pulled, verified and packed in one pass.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>

#include "base_images.h"
#include "gbuild/base/events.h"
#include "gbuild/pack/pack.h"
#include "gbuild/store/store.h"
#include "gbuild/tree/limits.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

class CacheImport;

struct LayerJob {
    const store::Store& store;
    pack::PackOptions packing;
    unsigned jobs = 1;
    EventSink& events;
    std::stop_token stop;
    CacheImport* imported = nullptr;             // stands in for registries that do not answer, if any
    uint64_t max_files = tree::usual_max_files;  // of each tree
};

using LayerPacks = std::map<Digest, std::shared_ptr<const pack::Pack>>;  // by diffID

// Told of each layer as soon as it is there; by any thread.
using LayerArrival = std::function<void(const Digest& layer, const std::shared_ptr<const pack::Pack>& pack)>;

// The packs of every layer of the images. The first failure stops the rest and is thrown. Transfers are numbered from
// `first_transfer` on.
LayerPacks obtain_layers(const std::vector<const BaseImage*>& images, const LayerJob& job,
                         const LayerArrival& arrived = {}, int first_transfer = 1);

// Merges a pack's layer into a tree whose contents are in a PackSet; `number` is the pack's in it. Throws limit where
// the tree would have more than `max_files` nodes.
void apply_pack(tree::Tree& tree, const pack::Pack& pack, uint32_t number, uint64_t max_files);
// Throws that for a layer of `entries` entries which is about to be merged into the tree.
void check_file_count(const tree::Tree& tree, const tree::LayerVisit& layer, uint64_t entries, uint64_t max_files);

// The layer's pack stored under `key`, if it is there and whole; a damaged one, or another layer's, is removed.
std::shared_ptr<const pack::Pack> open_stored_pack(const store::Store& store, const std::string& key,
                                                   const Digest& layer, const pack::PackOptions& packing);

// Puts a pack just written to `file` in its place in the store. It is opened as what was written, not by its name: the
// store may be emptied, or the pack replaced, at any time.
std::shared_ptr<const pack::Pack> commit_pack(const store::Store& store, AtomicFile& file,
                                              const pack::PackOptions& packing);

// The key in the store of a layer's pack. `layer` is a diffID, or a COPY step's content key.
std::string pack_key(const Digest& layer, const pack::PackOptions& packing);

}  // namespace gbuild::build
