#include "stages.h"

#include <algorithm>

namespace gbuild::build {

namespace {

// The stages that one starts from or reads.
std::vector<size_t> stages_read_by(const plan::Stage& stage) {
    std::vector<size_t> needs;
    if (const auto* below = std::get_if<plan::StageBase>(&stage.base)) {
        needs.push_back(static_cast<size_t>(below->stage));
    }
    auto add = [&](const plan::CopySource& read) {
        const auto* source = std::get_if<plan::StageBase>(&read);
        if (source) needs.push_back(static_cast<size_t>(source->stage));
    };
    for (const plan::Step& step : stage.steps) {
        if (const auto* copy = std::get_if<plan::CopyStep>(&step.action)) add(copy->source);
        const auto* run = std::get_if<plan::RunStep>(&step.action);
        if (!run) continue;
        for (const plan::RunMount& mount : run->mounts) {
            if (mount.from) add(*mount.from);
        }
    }
    return needs;
}

// Without overlays there is nothing that an extracted image is good for.
std::optional<ExtractionForm> form_for(const sandbox::Sandbox* sandbox) {
    return sandbox && sandbox->has_overlay() ? std::optional(extraction_form(*sandbox)) : std::nullopt;
}

}  // namespace

Stages::Stages(const StageJob& job, pack::PackSet& packs) :
    job_(job),
    outer_stop_(job.env.stop, [this] { stop_.request_stop(); }),
    env_(job.env.until(stop_.get_token())),
    pulls_(job.inputs.bases, env_, &job.imported, form_for(job.sandbox)),
    layers_(env_.store, packs, env_.max_files, elsewhere()),
    cache_(env_.store, job.imported, layers_),
    build_{job_.inputs, env_,    pulls_, layers_, packs, cache_, job.imported,
           job.policy,  nullptr, {},     {},      {},    {},     renewed_} {
    if (job.sandbox) disk_ = std::make_unique<StageDisk>(env_, job.inputs.run, *job.sandbox, pulls_);
    build_.disk = disk_.get();
    build_.stage = [this](size_t stage) -> StageRun& {
        auto state = state_.lock();
        return *state->runs.at(stage);
    };
    build_.image_tree = [this](const plan::Base& image) -> const tree::Tree& { return image_tree(image); };
    build_.used = [this](const plan::Stage& stage, const plan::Step& step, const StepKey& key) {
        trace_.lock()->add(stage, step, key);
    };
    build_.done = [this](size_t stage, int step, const Digest& key, const std::string& changes) {
        used_.lock()->push_back({stage, step, key, changes});
    };
    for (const plan::Stage& stage : job.inputs.plan.stages) needs_.push_back(stages_read_by(stage));
    auto state = state_.lock();
    state->runs.resize(needs_.size());
    state->started.resize(needs_.size(), false);
    state->done.resize(needs_.size(), false);
}

Stages::~Stages() = default;

// The layers of the build's images, and what was imported.
KnownLayers::Elsewhere Stages::elsewhere() {
    return {[this](const Digest& layer) { return pulls_.has(layer) || job_.imported.has(layer); },
            [this](const Digest& layer) {
                auto pack = pulls_.layer(layer);
                return pack ? pack : job_.imported.fetch(layer);
            },
            [this](const Digest& layer) { job_.imported.drop(layer); }};
}

// A build whose results are all known reads no layer of its bases, yet uses them.
void Stages::hold_bases() {
    for (const plan::Stage& stage : job_.inputs.plan.stages) {
        if (!is_external(stage.base)) continue;
        for (const Digest& layer : job_.inputs.bases.at(stage.base).config.diff_ids) layers_.hold(layer);
    }
}

// The bases of stages in which something is to be executed; before the sources of COPY are read where that is clear.
void Stages::pull_what_is_missing() {
    const auto& stages = job_.inputs.plan.stages;
    const auto want = [&](const std::function<bool(size_t stage)>& is_wanted) {
        std::vector<const BaseImage*> images;
        for (size_t i = 0; i < stages.size(); i++) {
            if (is_external(stages[i].base) && is_wanted(i)) images.push_back(&job_.inputs.bases.at(stages[i].base));
        }
        pulls_.want(images);
    };
    hold_bases();
    // Of a stage that others may have executed, only the files that become the image's are certain to be needed.
    const std::set<size_t> certain = stages_below_target(job_.inputs.plan);
    const bool is_shared = job_.imported.any();
    if (job_.is_first) want([&](size_t stage) { return !is_shared || certain.contains(stage); });
    const std::vector<StageForecast> forecasts = make_forecast(job_.inputs, job_.policy, cache_);
    want([&](size_t stage) { return !forecasts[stage].is_known(); });
}

StagesResult Stages::run() {
    env_.events.emit(planned_steps(job_.inputs.plan));
    pull_what_is_missing();
    {
        std::vector<std::jthread> threads;
        auto state = state_.lock();
        for (;;) {
            try {
                start_ready(*state, threads);
            } catch (...) {
                fail(*state, std::current_exception());
            }
            if (state->running == 0) break;
            ended_.wait(state.lock());
        }
    }
    auto state = state_.lock();
    if (state->error) std::rethrow_exception(state->error);
    StageTree& tree = state->runs.back()->tree();
    return {tree.result(), &tree,
            [this](const tree::Tree& image, const tree::LayerTree& added) { return provenance(image, added); }};
}

void Stages::add_steps(ProvenanceFinder& finder, size_t stage) {
    for (const UsedStep& used : used()) {
        if (used.stage != stage) continue;
        for (const StepChange& change : decode_changes(used.changes)) {
            finder.add(used.step, [&](const auto& take) {
                for (const tree::LayerEntry& entry : change.ready) take(tree::LayerEntry(entry));
            });
            if (!change.packed) continue;
            const uint32_t number = layers_.number_of(*change.packed);
            finder.add(used.step, [&](const auto& take) { layers_.pack(number).visit_entries(number, take); });
        }
    }
}

Provenance Stages::provenance(const tree::Tree& image, const tree::LayerTree& added) {
    const auto& stages = job_.inputs.plan.stages;
    std::vector<size_t> chain{stages.size() - 1};
    while (const auto* below = std::get_if<plan::StageBase>(&stages[chain.back()].base)) {
        chain.push_back(static_cast<size_t>(below->stage));
    }
    const plan::Stage& bottom = stages[chain.back()];
    ProvenanceFinder finder(bottom.number);
    for (auto stage = chain.rbegin(); stage != chain.rend(); ++stage) add_steps(finder, *stage);
    finder.add(0, [&](const auto& take) {
        for (const tree::LayerEntry& entry : added) take(tree::LayerEntry(entry));
    });
    if (is_external(bottom.base)) {
        const BaseImage& base = job_.inputs.bases.at(bottom.base);
        const LayerPacks& packs = pulls_.layers_of(base);
        for (const Digest& layer : base.config.diff_ids) {
            finder.add_base([&](const auto& take) { packs.at(layer)->visit_entries(0, take); });
        }
    }
    return std::move(finder).finish(image);
}

bool Stages::is_ready(const State& state, size_t stage) const {
    return !state.started[stage] && !state.error &&
           std::all_of(needs_[stage].begin(), needs_[stage].end(), [&](size_t needed) { return state.done[needed]; });
}

// In the order of the Dockerfile, as many at a time as there are jobs.
void Stages::start_ready(State& state, std::vector<std::jthread>& threads) {
    for (size_t stage = 0; stage < needs_.size(); stage++) {
        if (state.running >= std::max(1u, env_.jobs)) return;
        if (!is_ready(state, stage)) continue;
        state.started[stage] = true;
        // It waits for the lock that is held here.
        threads.emplace_back([this, stage] { run_stage(stage); });
        state.running++;
    }
}

void Stages::fail(State& state, const std::exception_ptr& error) {
    if (!state.error) state.error = error;
    stop_.request_stop();
}

void Stages::run_stage(size_t stage) {
    std::exception_ptr error;
    try {
        auto run = std::make_unique<StageRun>(build_, stage);
        StageRun& ours = *run;
        state_.lock()->runs[stage] = std::move(run);
        ours.run();
    } catch (...) {
        error = std::current_exception();
    }
    auto state = state_.lock();
    state->running--;
    state->done[stage] = !error;
    if (error) fail(*state, error);
    ended_.notify_all();
}

const tree::Tree& Stages::image_tree(const plan::Base& base) {
    const BaseImage* image = &job_.inputs.bases.at(base);
    {
        auto trees = image_trees_.lock();
        if (auto found = trees->find(image); found != trees->end()) return found->second;
    }
    tree::Tree tree = merge_image(*image, pulls_, layers_);
    auto trees = image_trees_.lock();
    return trees->emplace(image, std::move(tree)).first->second;
}

}  // namespace gbuild::build
