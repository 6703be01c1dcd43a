// What of a build goes to the container world: --output type=oci|docker|tar|local.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/bases/environment.h"
#include "gbuild/engine/build_result.h"
#include "gbuild/engine/output_options.h"
#include "gbuild/pack/pack.h"
#include "gbuild/plan/plan.h"

namespace gbuild::build {

struct ContainerJob {
    const Environment& env;
    const OutputOptions& options;
    const plan::Plan& plan;
    const pack::PackSet& packs;
    int64_t epoch = 0;
};

class ContainerOutputs {
  public:
    // Makes room for the files, so that what cannot be written is told before the work.
    explicit ContainerOutputs(const std::vector<ContainerOutput>& outputs);

    // Files and directories that are written, for the build context to leave out.
    std::vector<std::filesystem::path> paths() const;

    bool empty() const { return targets_.empty(); }

    // `tree` is the target's; what the VM needs is in the outputs, too, so that they show what a .gvmi would. Files are
    // written, but not yet in their places. Directories are changed in place, so that they come when all else is
    // written: when something else fails they are as they were. Both may be called again after a failure.
    std::vector<WrittenOutput> write_files(const tree::Tree& tree, const ContainerJob& job);
    std::vector<WrittenOutput> write_directories(const tree::Tree& tree, const ContainerJob& job);
    // Gives standard output what is for it.
    void pass_on(const std::function<void(std::span<const std::byte>)>& standard_output) const;
    // Gives the files their names.
    void commit();

  private:
    struct Target {
        ContainerOutput output;
        std::optional<AtomicFile> file;  // none for directories and standard output
        UniqueFd spool;                  // for standard output, which cannot be taken back

        int fd() const { return file ? file->fd() : spool.get(); }
    };
    struct StoredLayer {
        UniqueFd file;
        exporter::Layer layer;
    };
    WrittenOutput write_one(Target& target, const tree::Tree& tree, exporter::ImageRequest request,
                            const ContainerJob& job);
    std::vector<WrittenOutput> write_all_of(const std::vector<Target*>& targets, const tree::Tree& tree,
                                            const ContainerJob& job);
    const StoredLayer& layer_for(const ContainerOutput& output, const tree::Tree& tree, const ContainerJob& job);

    std::vector<Target> targets_;
    std::map<std::pair<exporter::Compression, int>, StoredLayer> layers_;  // of this write()
};

}  // namespace gbuild::build
