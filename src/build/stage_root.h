// A stage's files on disk, for the commands that run in them.
//
// The base is extracted once a build, and is the lowest layer of every stage that starts from it. What the stage itself
// makes of it collects in one directory above, so that overlayfs never stacks more layers than there are stages on top
// of each other.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gbuild/layer/directory.h"
#include "gbuild/layer/snapshot.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// What all stage roots of a build share.
struct RootContext {
    const sandbox::Sandbox& sandbox;
    std::filesystem::path place;  // for directories; removed with its contents by whoever made it
    // Delivers the contents of a file of a tree.
    std::function<void(const tree::Inode&, const std::function<void(std::span<const std::byte>)>&)> read;
    int directories = 0;  // made so far

    // A new empty directory.
    std::string make_directory();
    layer::Ownership ownership() const;
    layer::ExtractOptions extraction() const;
};

// A tree extracted whole.
struct ExtractedTree {
    std::string directory;
    tree::Tree tree;
};
ExtractedTree extract_whole(RootContext& context, const tree::Tree& tree);

class StageRoot {
  public:
    // On an extracted tree, or on another stage's root, which is not used any more. Where there is no overlayfs both
    // are extracted anew.
    StageRoot(RootContext& context, const ExtractedTree& base);
    StageRoot(RootContext& context, const StageRoot& below);

    // Brings what is on disk up to `tree`.
    void show(const tree::Tree& tree);
    // For a command that is to see what show() was given last.
    sandbox::StepRoot begin_step();
    // What the command changed. `owners` are its result's.
    layer::Snapshot changes(const sandbox::FinalOwners& owners, int64_t epoch) const;
    // Goes on from what the command made, which is `tree`.
    void keep_step(const tree::Tree& tree);

    // Owners that are in no file of show()'s tree, for ownership emulation.
    std::vector<PathRecord> path_records() const;
    // Whether there are device nodes where a step sees them: /dev is its own.
    bool has_devices() const;

  private:
    layer::DirectoryForm form() const;
    void note_time();
    RootContext& context_;
    std::vector<std::string> layers_;  // below ours, highest first
    std::string directory_;            // ours; without overlayfs, all of it
    std::string upper_, work_;         // of the step that runs
    std::string mount_point_;
    timespec begun_{};  // of the step that runs
    tree::Tree shown_;
};

}  // namespace gbuild::build
