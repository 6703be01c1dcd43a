// Where a build's commands run: directories in the store, which removes them once nobody waits for it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "gbuild/base/synchronized.h"
#include "gbuild/bases/base_pulls.h"
#include "gbuild/bases/environment.h"
#include "gbuild/sandbox/cgroup.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/steps/run_options.h"
#include "stage_root.h"

namespace gbuild::build {

// Thread-safe.
class StageDisk {
  public:
    // All must outlive it.
    StageDisk(const Environment& env, const RunOptions& run, sandbox::Sandbox& sandbox, BasePulls& pulls);

    const sandbox::Sandbox& sandbox() const { return sandbox_; }
    // For a stage's directories.
    std::filesystem::path new_place() const;
    // An image's files, or those of scratch, which is null; `tree` makes its file tree, and `contents` reads its
    // files. A few of those are compared with what is there: it may have been on disk for long.
    const ExtractedTree& extracted(const BaseImage* image, const std::function<tree::Tree()>& tree,
                                   pack::ContentReader& contents);

    // Within the limits that the machine lets be set; throws what Sandbox::run() does.
    sandbox::StepResult run(sandbox::Step& step, const std::function<void(std::string_view)>& output);

  private:
    void limit(const RunOptions& run);
    const std::filesystem::path& directory_of(const BaseImage& image, const tree::Tree& tree,
                                              pack::ContentReader& contents);

    const Environment& env_;
    sandbox::Sandbox& sandbox_;
    BasePulls& pulls_;
    std::filesystem::path place_;
    std::unique_ptr<sandbox::Cgroup> limits_;  // null: none
    Synchronized<std::map<const BaseImage*, ExtractedTree>> bases_;
};

}  // namespace gbuild::build
