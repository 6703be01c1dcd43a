// Packs in the store: what they are called there, and their way into it and out of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/digest.h"
#include "gbuild/pack/options.h"
#include "gbuild/pack/pack.h"
#include "gbuild/store/store.h"
#include "gbuild/tree/tree.h"

namespace gbuild::pack {

// The key in the store of a layer's pack. `layer` is a diffID, or stands for the contents of a layer made here.
std::string pack_key(const Digest& layer, const PackOptions& packing);

// The layer's pack stored under `key`, if it is there and whole; a damaged one, or another layer's, is removed.
std::shared_ptr<const Pack> open_stored_pack(const store::Store& store, const std::string& key, const Digest& layer,
                                             const PackOptions& packing);

// Puts a pack just written to `file` in its place in the store. It is opened as what was written, not by its name: the
// store may be emptied, or the pack replaced, at any time.
std::shared_ptr<const Pack> commit_pack(const store::Store& store, AtomicFile& file, const PackOptions& packing);

// Merges a pack's layer into a tree whose contents are in a PackSet; `number` is the pack's in it. Throws limit where
// the tree would have more than `max_files` nodes.
void apply_pack(tree::Tree& tree, const Pack& pack, uint32_t number, uint64_t max_files);
// Throws that for a layer of `entries` entries which is about to be merged into the tree.
void check_file_count(const tree::Tree& tree, const tree::LayerVisit& layer, uint64_t entries, uint64_t max_files);

}  // namespace gbuild::pack
