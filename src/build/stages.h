// Executing a plan's stages over file trees: no step here runs anything, so no directory is ever written.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "gbuild/build/copy_layer.h"
#include "layers.h"

namespace gbuild::build {

struct StageJob {
    const plan::Plan& plan;
    const BaseImages& bases;
    std::function<const LayerPacks&()> layers;                              // pulls them at the first call
    const ContextDir* context;                                              // null when no step reads it
    const std::map<std::string, std::unique_ptr<ContextDir>>& directories;  // named contexts that are directories
    int64_t epoch = 0;
    bool no_cache = false;
    LayerJob packing;
};

class Stages {
  public:
    // `packs` collects the packs that the trees refer to.
    Stages(const StageJob& job, pack::PackSet& packs) : job_(job), packs_(packs) {}

    // Executes every stage in order and returns the target's tree. Errors of a step carry its place.
    tree::Tree run();

    // Whether a pack turned out to be damaged since, in run() or in reading the tree's contents. All such packs are
    // removed from the store, so that they are made anew the next time.
    bool drop_damaged_packs() const;

  private:
    tree::Tree base_tree(const plan::Base& base);
    const tree::Tree& image_tree(const plan::Base& image);
    void execute(const plan::Step& step, const oci::ContainerConfig& before, tree::Tree& tree);
    void copy(const plan::CopyStep& step, tree::Tree& tree);
    void make_directory(const plan::WorkdirStep& step, const std::string& user, tree::Tree& tree);
    std::variant<const ContextDir*, TreeSource> source_of(const plan::CopySource& source);
    std::shared_ptr<const pack::Pack> pack_of(CopyResult& result);
    tree::Accounts accounts(const tree::Tree& tree) const;

    const StageJob& job_;
    pack::PackSet& packs_;
    std::vector<tree::Tree> trees_;                       // by stage
    std::map<const BaseImage*, tree::Tree> image_trees_;  // of COPY --from
    std::map<Digest, uint32_t> pack_numbers_;
};

// The text of /etc/passwd and /etc/group of a tree, empty where they are no regular files. Throws limit beyond 4 MiB.
tree::Accounts read_accounts(const tree::Tree& tree, const pack::PackSet& packs);

}  // namespace gbuild::build
