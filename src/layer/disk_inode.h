// What a file in a directory on disk is in the image.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <unordered_map>

#include "gbuild/base/recorded_owner.h"
#include "gbuild/layer/extract.h"
#include "gbuild/layer/snapshot.h"
#include "gbuild/tree/inode.h"
#include "held_file.h"

namespace gbuild::layer {

struct DiskInode {
    HeldFile held;
    struct stat status {};
    tree::Inode inode;  // the mtime is the disk's; without contents
    bool is_whiteout = false;
    bool is_opaque = false;
};

class DiskReader {
  public:
    explicit DiskReader(const SnapshotRequest& request);

    // Throws system errors, and limit for what squashfs cannot hold, naming the path.
    DiskInode read(const HeldName& file) const;
    // The owner that is recorded of a path, of files that cannot carry it themselves.
    std::optional<RecordedOwner> owner_at(const std::string& path) const;

  private:
    struct HashKey {
        size_t operator()(const NodeKey& key) const { return std::hash<uint64_t>()(key.inode); }
    };

    void read_attributes(const HeldName& file, DiskInode& disk) const;
    void read_device(const HeldName& file, const std::vector<tree::Xattr>& on_disk, DiskInode& disk) const;
    RecordedOwner owner_of(const HeldName& file, const std::vector<tree::Xattr>& on_disk, const DiskInode& disk) const;
    RecordedOwner look_up(const HeldName& file) const;

    DirectoryForm form_;
    Ownership ownership_;
    std::unordered_map<NodeKey, RecordedOwner, HashKey> records_;
    std::unordered_map<std::string, RecordedOwner> path_records_;
};

}  // namespace gbuild::layer
