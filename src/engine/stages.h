// Executing a plan's stages, side by side where they do not wait for each other.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "gbuild/bases/environment.h"
#include "gbuild/engine/provenance.h"
#include "gbuild/steps/build_trace.h"
#include "provenance_finder.h"
#include "stage_run.h"

namespace gbuild::build {

struct StageJob {
    KeyInputs inputs;
    const Environment& env;
    CacheImport& imported;
    CachePolicy policy;
    sandbox::Sandbox* sandbox = nullptr;  // null when no step is a RUN
    bool is_first = false;                // nothing is known of any step here, so that bases are pulled at once
};

// A step whose result was found or made.
struct UsedStep {
    size_t stage = 0;
    int step = 0;  // its number
    Digest key;
    std::string changes;
};

// What is made of a plan.
struct StagesResult {
    Digest result;  // stands for the target's files
    StageTree* tree = nullptr;
    // Where the files of the image come from: its tree, and what in it is the VM's rather than a step's.
    std::function<Provenance(const tree::Tree& image, const tree::LayerTree& added)> provenance;
};

class Stages {
  public:
    // `packs` collects the packs that the trees refer to.
    Stages(const StageJob& job, pack::PackSet& packs);
    ~Stages();

    // Executes what has no known result. The first error stops everything and is thrown; errors of a step carry its
    // place. What it returns is valid while this lives.
    StagesResult run();

    // Whether a pack turned out to be damaged since, in run() or in reading the tree's contents. All such packs are
    // removed from the store, so that they are made anew the next time.
    bool drop_damaged_packs() const { return layers_.drop_damaged(); }

    // In no order.
    std::vector<UsedStep> used() { return *used_.lock(); }
    // The keys of the steps that were executed or found, and of the one that failed.
    BuildTrace trace() { return *trace_.lock(); }

  private:
    struct State {
        std::vector<std::unique_ptr<StageRun>> runs;  // by stage; null until it is started
        std::vector<bool> started, done;
        unsigned running = 0;
        std::exception_ptr error;
    };
    void hold_bases();
    void pull_what_is_missing();
    bool is_ready(const State& state, size_t stage) const;
    void run_stage(size_t stage);
    void fail(State& state, const std::exception_ptr& error);
    void start_ready(State& state, std::vector<std::jthread>& threads);
    const tree::Tree& image_tree(const plan::Base& image);
    Provenance provenance(const tree::Tree& image, const tree::LayerTree& added);
    void add_steps(ProvenanceFinder& finder, size_t stage);

    KnownLayers::Elsewhere elsewhere();

    const StageJob& job_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    Environment env_;
    BasePulls pulls_;
    KnownLayers layers_;
    StepCache cache_;
    std::unique_ptr<StageDisk> disk_;
    Synchronized<std::set<std::string>> renewed_;
    BuildContext build_;
    std::vector<std::vector<size_t>> needs_;                            // by stage: the stages that it reads
    Synchronized<std::map<const BaseImage*, tree::Tree>> image_trees_;  // of COPY --from
    Synchronized<BuildTrace> trace_;
    Synchronized<std::vector<UsedStep>> used_;
    std::condition_variable ended_;
    Synchronized<State> state_;
};

}  // namespace gbuild::build
