// The files of a snapshot whose contents are new.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "gbuild/base/fd.h"
#include "gbuild/base/sparse_file.h"
#include "gbuild/tree/layer_tree.h"
#include "held_file.h"

namespace gbuild::layer {

// Entries with, for those that are files with contents, the number that the inode has on disk.
struct ChangedFile {
    tree::LayerEntry entry;
    ino_t number = 0;
};

class ChangedFiles : public tree::EntryStream {
  public:
    // `root`: the directory that the paths are in.
    ChangedFiles(UniqueFd root, std::vector<ChangedFile> files) : root_(std::move(root)), files_(std::move(files)) {}

    bool next(tree::LayerEntry& entry) override;
    void read(std::span<std::byte> out) override;
    uint64_t zeros() override;
    void skip_zeros(uint64_t count) override;

  private:
    void open(const ChangedFile& file);
    int parent_of(const std::string& path);

    UniqueFd root_;
    std::vector<ChangedFile> files_;
    size_t next_ = 0;
    std::string parent_path_;  // of the directory that is open: files come by directories
    UniqueFd parent_;
    UniqueFd current_;
    std::optional<SparseFile> contents_;  // of `current_`
    std::string path_;
    uint64_t left_ = 0;
};

}  // namespace gbuild::layer
