// Executing one stage of a plan. Directories are written only for RUN.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "gbuild/base/synchronized.h"
#include "gbuild/bases/environment.h"
#include "gbuild/copy/copy_layer.h"
#include "gbuild/steps/forecast.h"
#include "mount_sources.h"
#include "stage_disk.h"
#include "stage_tree.h"

namespace gbuild::build {

class StageRun;

// What the stages of a build share. All must outlive them.
struct BuildContext {
    const KeyInputs& inputs;
    const Environment& env;
    BasePulls& pulls;
    KnownLayers& layers;
    const pack::PackSet& packs;
    StepCache& cache;
    CacheImport& imported;
    CachePolicy policy;
    StageDisk* disk = nullptr;  // null when no step is a RUN
    // Those that the one that asks depends on, and which are finished.
    std::function<StageRun&(size_t stage)> stage;
    // The file tree of an image.
    std::function<const tree::Tree&(const plan::Base& image)> image_tree;
    std::function<void(const plan::Stage&, const plan::Step&, const StepKey&)> used;  // told of each key
    // And of each result.
    std::function<void(size_t stage, int step, const Digest& key, const std::string& changes)> done;
    Synchronized<std::set<std::string>>& renewed;  // caches of mounts, by key or directory, that have begun anew
};

class StageRun {
  public:
    // The stages below must be finished.
    StageRun(BuildContext& build, size_t index);
    ~StageRun();

    // Executes the steps in order. Errors of a step carry its place. From one thread.
    void run();

    const plan::Stage& stage() const { return stage_; }
    StageTree& tree() { return *tree_; }

  private:
    tree::Tree start();
    bool find_or_execute(const plan::Step& step, const oci::ContainerConfig& before);
    std::optional<Digest> key_by_contents(const plan::Step& step, const oci::ContainerConfig& before);
    bool add_known(const plan::Step& step, const Digest& key, const Digest& kept_as);
    bool renews(const std::string& cache);
    void prepare_to_execute(const plan::Step& step);
    ExtractedTree extracted_tree();
    void execute(const plan::Step& step, const oci::ContainerConfig& before);
    void run_command(const plan::Step& step, const oci::ContainerConfig& before);
    sandbox::StepResult run_in(const plan::Step& step, sandbox::Step command);
    void keep_changes(const sandbox::StepResult& result);
    void prepare_root();
    const ExtractedTree& extracted(const BaseImage* image);
    const ExtractedTree& extracted_for(const plan::CopySource& source);
    void copy(const plan::CopyStep& step);
    void make_directory(const std::string& name, const std::string& user);
    std::variant<const ContextDir*, TreeSource> source_of(const plan::CopySource& source);
    uint32_t pack_entries(tree::EntryStream& entries);
    uint32_t pack(CopyResult& result);
    tree::Accounts accounts();

    BuildContext& build_;
    const size_t index_;
    const plan::Stage& stage_;
    const BaseImage* origin_;  // null: scratch
    int step_ = 0;             // the number of the one that is being executed
    std::unique_ptr<StageTree> tree_;
    std::unique_ptr<pack::ContentReader> contents_;
    std::unique_ptr<RootContext> context_;
    // What was known when the first step had to be executed, if commands follow.
    struct Known {
        Digest result;
        tree::Tree tree;
    };
    std::optional<Known> known_;
    std::optional<store::Snapshot> known_files_;
    std::unique_ptr<StageRoot> root_;
    std::optional<MountSources> mounts_;
    bool is_on_disk_ = false;  // root_ shows tree_
};

// The file tree of an image, which is pulled if need be.
tree::Tree merge_image(const BaseImage& image, BasePulls& pulls, KnownLayers& layers);
// "build", "2", or "" for the only stage when it has no name.
std::string stage_label(const plan::Plan& plan, const plan::Stage& stage);
// All steps, in order.
StepsPlanned planned_steps(const plan::Plan& plan);

}  // namespace gbuild::build
