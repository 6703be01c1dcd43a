// A file of the image: what kind it is, who owns it, and where its contents are. True owners, modes and device numbers
// live here and never on the host's disk.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild::tree {

enum class FileType : uint8_t { directory, regular, symlink, char_device, block_device, fifo, socket };

// S_IFDIR and so on.
mode_t format_bits(FileType type);
// nullopt-free: throws internal for a mode that has no known format.
FileType file_type(mode_t mode);
// "file", "directory", "symlink", "char-device", …
std::string_view type_name(FileType type);

struct Xattr {
    std::string name;
    std::string value;
    auto operator<=>(const Xattr&) const = default;
};

// Contents of a regular file: file `number` of the pack at `pack` in the build's pack set (pack/pack_set.h).
struct ContentRef {
    static constexpr uint32_t none = UINT32_MAX;
    uint32_t pack = none;
    uint32_t number = none;
    bool empty() const { return pack == none; }
    auto operator<=>(const ContentRef&) const = default;
};

struct Inode {
    FileType type = FileType::directory;
    uint16_t mode = 0755;  // permission bits, setuid, setgid, sticky: 07777
    uint32_t uid = 0;
    uint32_t gid = 0;
    int64_t mtime = 0;  // seconds since the epoch, rounded down
    uint32_t device_major = 0;
    uint32_t device_minor = 0;
    uint64_t size = 0;          // regular files
    ContentRef content;         // regular files; empty when size is 0 or while the contents are not packed yet
    std::string target;         // symbolic links
    std::vector<Xattr> xattrs;  // sorted by name, no name twice

    bool is_directory() const { return type == FileType::directory; }
    bool operator==(const Inode&) const = default;
};

}  // namespace gbuild::tree
