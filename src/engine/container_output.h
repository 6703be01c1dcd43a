// What of a build goes to the container world: --output type=oci|docker|tar|local.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/events.h"
#include "gbuild/engine/build.h"
#include "gbuild/pack/pack.h"

namespace gbuild::build {

struct ContainerJob {
    const OutputOptions& options;
    const plan::Plan& plan;
    const pack::PackSet& packs;
    int64_t epoch = 0;
    unsigned jobs = 1;
    EventSink& events;
    std::stop_token stop;
    std::filesystem::path scratch;  // for large files without a name
};

class ContainerOutputs {
  public:
    // Makes room for the files, so that what cannot be written is told before the work.
    explicit ContainerOutputs(const std::vector<ContainerOutput>& outputs);

    // Files and directories that are written, for the build context to leave out.
    std::vector<std::filesystem::path> paths() const;

    bool empty() const { return targets_.empty(); }

    // `tree` is the target's; what the VM needs is in the outputs, too, so that they show what a .gvmi would. Files are
    // written, but not yet in their places; directories are, after all the files. May be called again after a failure.
    std::vector<WrittenOutput> write(const tree::Tree& tree, const ContainerJob& job);
    // Gives the files their names, and standard output what is for it.
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
    const StoredLayer& layer_for(const ContainerOutput& output, const tree::Tree& tree, const ContainerJob& job);

    std::vector<Target> targets_;
    std::map<std::pair<exporter::Compression, int>, StoredLayer> layers_;  // of this write()
};

}  // namespace gbuild::build
