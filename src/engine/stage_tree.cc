#include "stage_tree.h"

#include <unordered_map>
#include <utility>

#include "gbuild/base/error.h"
#include "gbuild/pack/pack_store.h"

namespace gbuild::build {

const tree::Tree& StageTree::get() {
    auto state = state_.lock();
    return made(*state);
}

tree::Tree& StageTree::made(State& state) {
    if (!state.tree) state.tree = start_();
    for (const std::string& changes : std::exchange(state.waiting, {})) {
        for (StepChange& change : decode_changes(changes)) apply(*state.tree, std::move(change));
    }
    return *state.tree;
}

void StageTree::apply(tree::Tree& tree, StepChange change) const {
    std::vector<uint32_t> numbers;
    numbers.reserve(change.layers.size());
    for (const Digest& layer : change.layers) numbers.push_back(layers_.number_of(layer));
    for (tree::LayerEntry& entry : change.ready) {
        tree::ContentRef& content = entry.inode.content;
        if (content.empty()) continue;
        content.pack = numbers.at(content.pack);
        const pack::Pack& pack = layers_.pack(content.pack);
        if (content.number >= pack.file_count() || pack.file(content.number).size != entry.inode.size) {
            pack.set_damaged();
            throw Error(ErrorKind::integrity, "what the store says of a step's changes does not fit its pack");
        }
    }
    apply_ready(tree, std::move(change.ready));
    if (!change.packed) return;
    const uint32_t number = layers_.number_of(*change.packed);
    apply_pack(tree, layers_.pack(number), number, layers_.max_files());
}

void StageTree::apply_ready(tree::Tree& tree, tree::LayerTree ready) const {
    const auto visit = [&](const std::function<void(tree::LayerEntry &&)>& take) {
        for (const tree::LayerEntry& entry : ready) take(tree::LayerEntry(entry));
    };
    pack::check_file_count(tree, visit, ready.size(), layers_.max_files());
    tree.apply(std::move(ready));
}

void StageTree::add_known(std::string changes) {
    result_ = result_after(result_, changes);
    state_.lock()->waiting.push_back(std::move(changes));
}

StepChange StageTree::as_change(const tree::LayerTree& ready, const std::optional<uint32_t>& packed) const {
    StepChange change;
    change.ready = ready;
    std::unordered_map<uint32_t, uint32_t> places;
    for (tree::LayerEntry& entry : change.ready) {
        tree::ContentRef& content = entry.inode.content;
        if (content.empty()) continue;
        auto [place, added] = places.emplace(content.pack, static_cast<uint32_t>(change.layers.size()));
        if (added) change.layers.push_back(layers_.layer_of(content.pack));
        content.pack = place->second;
    }
    if (packed) change.packed = layers_.layer_of(*packed);
    return change;
}

void StageTree::add(tree::LayerTree ready, const std::optional<uint32_t>& packed) {
    of_step_.push_back(as_change(ready, packed));
    auto state = state_.lock();
    tree::Tree& tree = made(*state);
    apply_ready(tree, std::move(ready));
    if (packed) apply_pack(tree, layers_.pack(*packed), *packed, layers_.max_files());
}

std::string StageTree::finish_step() {
    std::string changes = encode(std::exchange(of_step_, {}));
    result_ = result_after(result_, changes);
    return changes;
}

}  // namespace gbuild::build
