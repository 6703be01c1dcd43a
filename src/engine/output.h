// The end of a build: the target's tree and configuration become a .gvmi under its name.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "gbuild/base/atomic_file.h"
#include "gbuild/bases/environment.h"
#include "gbuild/engine/build_result.h"
#include "gbuild/engine/output_options.h"
#include "gbuild/pack/image_writer.h"
#include "output_record.h"
#include "stages.h"

namespace gbuild::build {

struct OutputJob {
    const Environment& env;
    const plan::Plan& plan;
    const pack::PackSet& packs;
    int64_t epoch = 0;
    const CacheImport& imported;
    const OutputOptions& options;
};

class VmOutput {
  public:
    // Makes room for the image, so that what cannot be written is told before the work: at options.output, else at
    // NAME-TAG.gvmi in the current directory ("/" of a name becomes "-"). Throws usage when it has no name.
    explicit VmOutput(const OutputOptions& options);

    // Files that are written, for the build context to leave out.
    std::vector<std::filesystem::path> paths() const { return {file_.target(), file_.temporary()}; }

    // Adds what the VM needs to the tree, warns of what the provider will do with it, and writes the image, which has
    // no name yet. When the same image is already there, the tree is not asked for and nothing is written. May be
    // called again after a failure.
    BuildResult write(const StagesResult& made, const OutputJob& job);
    void commit(const store::Store& store);

  private:
    AtomicFile file_;
    std::filesystem::path path_;           // absolute
    std::optional<OutputRecord> written_;  // nullopt: nothing had to be
};

}  // namespace gbuild::build
