// A stage's files on disk, for the commands that run in them.
//
// An image is extracted once and kept in the store, the lowest layer of every stage that starts from it. What the stage
// itself makes of it collects in one directory above, so that overlayfs stacks no more layers than there are stages on
// top of each other; past some tens of them, a stage starts with all of its files in one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gbuild/bases/extraction.h"
#include "gbuild/layer/directory.h"
#include "gbuild/layer/snapshot.h"
#include "gbuild/pack/pack.h"
#include "gbuild/sandbox/sandbox.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// What all stage roots of a build share.
struct RootContext {
    const sandbox::Sandbox& sandbox;
    std::filesystem::path place;  // for directories; the store removes it with its contents
    pack::ContentReader& contents;
    int directories = 0;  // made so far

    // A new empty directory.
    std::string make_directory();
};

// How files are written for commands. The reader must outlive it.
ExtractionForm extraction_form(const sandbox::Sandbox& sandbox);
layer::ExtractOptions extraction_options(const sandbox::Sandbox& sandbox, pack::ContentReader& contents);

// A tree and where it lies extracted, as overlayfs would stack it; nowhere when there is no overlayfs to make use of
// it.
struct ExtractedTree {
    std::vector<std::string> layers;  // directories, highest first
    tree::Tree tree;
};

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

    // The directories that together show what show() was given last, highest first.
    std::vector<std::string> layers() const;

    // Owners that are in no file of show()'s tree, for ownership emulation.
    std::vector<PathRecord> path_records() const;
    // Whether there are device nodes where a step sees them: /dev is its own.
    bool has_devices() const;

  private:
    void start(std::vector<std::string> layers, const tree::Tree& tree);
    layer::DirectoryForm form() const;
    layer::ExtractOptions extraction() const;
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
