// Where a directory on disk keeps what an unprivileged user's file system cannot hold: the owners of files that all
// belong to one user, and device nodes. Shared by who writes such directories (layer part) and who runs commands in
// them (sandbox part).
//
// Regular files and directories carry the extended attribute `user.gbuild.owner` when their owner is not 0:0. A device
// node is an empty regular file with `user.gbuild.device`, and with an owner's attribute whoever that is; its mode is
// the file's. Symbolic links, FIFOs and sockets can carry no user attribute: their owners are in tables of NodeRecord,
// valid until the directory is moved or copied.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild {

inline constexpr const char* owner_attribute = "user.gbuild.owner";
inline constexpr const char* device_attribute = "user.gbuild.device";
// `trusted.*` and `security.*` but security.capability, which such a user may not set, are kept under this and their
// name.
inline constexpr std::string_view recorded_attribute_prefix = "user.gbuild.xattr.";
inline constexpr std::string_view own_attributes = "user.gbuild.";  // what begins so is never part of an image

struct RecordedOwner {
    uint32_t uid = 0;
    uint32_t gid = 0;
    auto operator<=>(const RecordedOwner&) const = default;
};

struct RecordedDevice {
    bool block = false;
    uint32_t major = 0;
    uint32_t minor = 0;
    auto operator<=>(const RecordedDevice&) const = default;
};

// The attributes' values: "104:110", "c:1:3". Parsing gives nullopt for anything else.
std::string encode(RecordedOwner owner);
std::string encode(RecordedDevice device);
std::optional<RecordedOwner> parse_recorded_owner(std::string_view text);
std::optional<RecordedDevice> parse_recorded_device(std::string_view text);

// An inode that a freed number, given away again, is not mistaken for.
struct NodeKey {
    uint64_t inode = 0;
    int64_t birth_seconds = 0;
    uint32_t birth_nanoseconds = 0;
    auto operator<=>(const NodeKey&) const = default;
};

// The owner of a symbolic link, FIFO or socket.
struct NodeRecord {
    NodeKey key;
    RecordedOwner owner;
    auto operator<=>(const NodeRecord&) const = default;
};

// The same by path, for who has none of the inodes yet. The path is relative to the image's root.
struct PathRecord {
    std::string path;
    RecordedOwner owner;
};

}  // namespace gbuild
