// What RUN --mount=type=bind and type=cache show of the build context, stages and images, on disk.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gbuild/copy/copy_inputs.h"
#include "gbuild/plan/plan.h"
#include "stage_root.h"

namespace gbuild::build {

// Of what a stage or an image has at `path` and below it: equal for equal names, attributes and contents.
Digest digest_of_tree(const TreeSource& source, const std::string& path, const pack::PackSet& packs);

// Directories for sandbox::StepMount, as a root build would have them.
struct MountSource {
    std::vector<std::string> layers;  // highest first
    std::string path;                 // in them; "": all
    std::vector<PathRecord> owners;   // that are in no file, by the path below what is shown; "": itself
    bool has_devices = false;
    tree::Inode root;  // attributes of the layers' own directory
};

// Made when first asked for, and kept for the steps that follow. Files of a context are a copy of what COPY would
// take, without what .dockerignore excludes: owned by root, and as old as the epoch. Not thread-safe.
class MountSources {
  public:
    struct Inputs {
        // What a source is, and the tree on disk that it was made from.
        std::function<std::variant<const ContextDir*, TreeSource>(const plan::CopySource&)> open;
        std::function<const ExtractedTree&(const plan::CopySource&)> extracted;
        RootContext& disk;
        const pack::PackSet& packs;
        int64_t epoch = 0;
    };
    explicit MountSources(Inputs inputs) : inputs_(std::move(inputs)) {}

    // All throw dockerfile without a place where there is no such path.
    const MountSource& source(const plan::CopySource& from, const std::string& path);
    // To be changed; nobody else has it.
    MountSource private_source(const plan::CopySource& from, const std::string& path);
    // Into an empty directory, which gets the attributes of the directory that is named.
    void write(const plan::CopySource& from, const std::string& path, const std::filesystem::path& directory);
    // Of names, attributes and contents: equal for equal sources of one kind.
    Digest digest(const plan::CopySource& from, const std::string& path);

  private:
    MountSource from_directory(const ContextDir& context, const std::string& path);
    MountSource from_root(const StageRoot& root, const TreeSource& source, const std::string& path) const;
    std::unique_ptr<StageRoot> new_root(const plan::CopySource& from, const TreeSource& source);
    layer::ExtractOptions extraction() const;
    std::vector<PathRecord> owners_in(const tree::Node& node) const;

    Inputs inputs_;
    std::map<std::string, std::unique_ptr<StageRoot>> roots_;  // of stages and images
    std::map<std::string, MountSource> sources_;
};

}  // namespace gbuild::build
