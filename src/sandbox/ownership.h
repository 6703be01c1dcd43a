// Who owns a file, as far as emulation knows.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gbuild/base/recorded_owner.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/sandbox/emulation.h"
#include "tracee.h"

namespace gbuild::sandbox {

// A path that leads to an open descriptor's file: what the extended attribute calls need for O_PATH descriptors.
std::string descriptor_path(int fd);

// Whether it can have user attributes: symbolic links, FIFOs, sockets and devices cannot.
bool carries_attributes(const struct stat& status);

// Thread-safe. All take O_PATH descriptors. Throw CallError.
class OwnerBook {
  public:
    // 0:0 for what has no record.
    RecordedOwner owner(int fd, const struct stat& status) const;
    std::optional<RecordedDevice> device(int fd, const struct stat& status) const;
    // Where a file that cannot carry its record came from.
    enum class Origin : uint8_t {
        own,    // made by this step
        below,  // copied up by overlayfs from a lower layer, or known from an earlier step
    };
    // Records an owner; the file system's own was changed already.
    void set_owner(int fd, const struct stat& status, RecordedOwner owner, Origin origin = Origin::own);
    void set_device(int fd, RecordedDevice device);

    // Cheap: false when there is certainly nothing recorded of what a path leads to, or when it leads nowhere. The
    // kernel walks the path.
    bool may_be_recorded(const char* path, bool follow) const;
    FinalOwners records() const;

    // As stat(2) is to show it. False: there is nothing that the file system does not know.
    bool adorn(int fd, struct stat& status) const;

  private:
    using Key = std::pair<dev_t, NodeKey>;
    struct Entry {
        RecordedOwner owner;
        std::string path;  // when it was recorded
        Origin origin = Origin::own;
    };
    using Table = std::map<Key, Entry>;
    static void find_moved(Table& wanted, FinalOwners& found);
    // Whether any owner is kept apart from its file.
    bool has_table() const { return entries_.load(std::memory_order_relaxed) > 0; }
    bool in_table(const char* path, bool follow) const;
    std::optional<RecordedOwner> recorded_owner(int fd, const struct stat& status) const;

    mutable Synchronized<Table> table_;
    std::atomic<size_t> entries_ = 0;
};

}  // namespace gbuild::sandbox
