// Reading a directory on disk back into what an image holds.
#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gbuild/base/fd.h"
#include "gbuild/base/recorded_owner.h"
#include "gbuild/layer/extract.h"
#include "gbuild/tree/inode.h"

namespace gbuild::layer {

// The attributes of overlayfs mounted with userxattr.
inline constexpr std::string_view overlay_attributes = "user.overlay.";
inline constexpr const char* opaque_attribute = "user.overlay.opaque";

bool is_whiteout(const struct stat& status);  // char device 0:0

// A file as it lies on disk.
struct DiskInode {
    tree::Inode inode;  // without content; xattrs without those of overlayfs and of our records
    struct stat status;
    bool opaque = false;
};

// Knows how owners are kept.
class DiskReader {
  public:
    DiskReader(Ownership ownership, std::span<const NodeRecord> records, std::span<const PathRecord> path_records);

    // The entry `name` of an open directory; `path` is for messages. Throws io.
    DiskInode read(int directory, const std::string& name, const std::string& path) const;

  private:
    void read_attributes(const std::string& held, const std::string& path, DiskInode& entry) const;
    RecordedOwner tabled_owner(int held, const std::string& path, const struct stat& status) const;

    Ownership ownership_;
    std::map<NodeKey, RecordedOwner> records_;
    std::map<std::string, RecordedOwner> path_records_;
};

// The names in an open directory, in unsigned byte order, without "." and "..".
std::vector<std::string> sorted_names(int directory, const std::string& path);
// O_NOFOLLOW. Throws io.
UniqueFd open_directory_at(int directory, const std::string& name, const std::string& path);

// An xattr's value or names, of any size, by a path under /proc/self/fd. Throws io; nullopt when there is none, or the
// file system has none.
std::optional<std::string> xattr_value(const std::string& held, const std::string& name, const std::string& path);
std::vector<std::string> xattr_names(const std::string& held, const std::string& path);

}  // namespace gbuild::layer
