// Executing a plan's stages over file trees. Directories are written only for RUN.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "gbuild/build/copy_layer.h"
#include "layers.h"
#include "stage_root.h"

namespace gbuild::build {

struct StageJob {
    const plan::Plan& plan;
    const BaseImages& bases;
    std::function<const LayerPacks&()> layers;                                   // pulls them at the first call
    std::function<const std::filesystem::path&(const BaseImage&)> directory_of;  // after that, where steps have layers
    const ContextDir* context;                                                   // null when no step reads it
    const std::map<std::string, std::unique_ptr<ContextDir>>& directories;       // named contexts that are directories
    int64_t epoch = 0;
    bool no_cache = false;
    LayerJob packing;
    const RunOptions& run;
    sandbox::Sandbox* sandbox = nullptr;  // null when no step is a RUN
};

class Stages {
  public:
    // `packs` collects the packs that the trees refer to.
    Stages(const StageJob& job, pack::PackSet& packs);
    ~Stages();

    // Executes every stage in order and returns the target's tree. Errors of a step carry its place.
    tree::Tree run();

    // Whether a pack turned out to be damaged since, in run() or in reading the tree's contents. All such packs are
    // removed from the store, so that they are made anew the next time.
    bool drop_damaged_packs() const;

  private:
    tree::Tree base_tree(const plan::Base& base);
    const tree::Tree& image_tree(const plan::Base& image);
    void execute(const plan::Step& step, const oci::ContainerConfig& before, tree::Tree& tree);
    void run_command(const plan::Step& step, const oci::ContainerConfig& before, tree::Tree& tree);
    sandbox::StepResult run_in(StageRoot& root, const plan::Step& step, sandbox::Step command);
    void keep_changes(StageRoot& root, const sandbox::StepResult& result, tree::Tree& tree);
    StageRoot& root_of(size_t stage);
    const ExtractedTree& extracted(const plan::Base& base);
    void copy(const plan::CopyStep& step, tree::Tree& tree);
    void make_directory(const plan::WorkdirStep& step, const std::string& user, tree::Tree& tree);
    std::variant<const ContextDir*, TreeSource> source_of(const plan::CopySource& source);
    std::shared_ptr<const pack::Pack> pack_of(CopyResult& result);
    tree::Accounts accounts(const tree::Tree& tree) const;

    const StageJob& job_;
    pack::PackSet& packs_;
    std::vector<tree::Tree> trees_;  // by stage, those that are done
    struct Disk;
    std::unique_ptr<Disk> disk_;                          // what is on disk for commands; null before the first
    bool is_on_disk_ = false;                             // whether that shows all of the stage at hand
    std::map<const BaseImage*, tree::Tree> image_trees_;  // of COPY --from
    std::map<Digest, uint32_t> pack_numbers_;
};

// The text of /etc/passwd and /etc/group of a tree, empty where they are no regular files. Throws limit beyond 4 MiB.
tree::Accounts read_accounts(const tree::Tree& tree, const pack::PackSet& packs);

}  // namespace gbuild::build
