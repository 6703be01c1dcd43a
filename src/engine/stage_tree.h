// A stage's file tree as far as its steps are known, made only when somebody looks at it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/bases/known_layers.h"
#include "gbuild/steps/step_change.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

class StageTree {
  public:
    // `result` stands for what `start` makes.
    StageTree(Digest result, std::function<tree::Tree()> start, KnownLayers& layers) :
        layers_(layers), result_(std::move(result)), start_(std::move(start)) {}

    // Equal for equal trees that came about in the same way.
    const Digest& result() const { return result_; }
    // The tree after everything that was added. For one thread at a time until the stage is finished, for any
    // afterwards.
    const tree::Tree& get();

    // A step's changes, as encode() gives them: applied when the tree is asked for. Their layers must be held.
    void add_known(std::string changes);
    // One of a step's changes. `packed` is the number of the step's own pack.
    void add(tree::LayerTree ready, const std::optional<uint32_t>& packed = {});
    // Ends a step; returns what encode() gives for its changes.
    std::string finish_step();

  private:
    struct State {
        std::optional<tree::Tree> tree;
        std::vector<std::string> waiting;
    };
    void apply(tree::Tree& tree, StepChange change) const;
    void apply_ready(tree::Tree& tree, tree::LayerTree ready) const;
    StepChange as_change(const tree::LayerTree& ready, const std::optional<uint32_t>& packed) const;
    tree::Tree& made(State& state);

    KnownLayers& layers_;
    Digest result_;
    std::function<tree::Tree()> start_;
    Synchronized<State> state_;
    std::vector<StepChange> of_step_;  // that is not finished
};

}  // namespace gbuild::build
