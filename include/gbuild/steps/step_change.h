// What a step changed in the file tree, in a form that outlives the build.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::build {

// One layer over the tree before it, in two parts to be applied in this order. Layers are named by what pack_key()
// takes: the diffID of an image's, what stands for the contents of others.
struct StepChange {
    std::vector<Digest> layers;  // those in which `ready` finds contents: ContentRef::pack is an index into them
    tree::LayerTree ready;
    std::optional<Digest> packed;  // a layer of the step's own
};

// A step's, one after the other. Equal changes give equal bytes.
std::string encode(const std::vector<StepChange>& changes);
// Throws integrity for anything that encode() does not give.
std::vector<StepChange> decode_changes(std::string_view bytes);

// What stands for the tree of an image with these layers, and of scratch, which has none.
Digest image_result(const std::vector<Digest>& diff_ids);

// Stands for a file tree: what it was before, and what changed.
Digest result_after(const Digest& before, std::string_view encoded_changes);

}  // namespace gbuild::build
