// What differs between two images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/tree/inode.h"

namespace gbuild::compare {

enum class Change { added, removed, changed };  // on the way from A to B

// One property, as text; nullopt: not there.
struct ValueChange {
    std::string name;  // "mode", "owner", "mtime", "xattr user.note", …
    std::optional<std::string> a, b;
};

struct ByteRange {
    uint64_t offset = 0;
    uint64_t length = 0;
};

// Of a regular file's contents.
struct ContentChange {
    static constexpr size_t most_ranges = 16;
    uint64_t offset = 0;                  // of the first byte that differs, or where the shorter one ends
    uint64_t bytes = 0;                   // how many differ, as far as both reach
    uint64_t range_count = 0;             // runs of such bytes
    std::vector<ByteRange> first_ranges;  // at most most_ranges of them
};

// Names: type, mode ("0644"), owner ("0:0"), mtime (RFC 3339), size, target (of a symbolic link), device
// ("major:minor"), links (the other names of the file), "xattr NAME". When the type differs, what only one of the types
// has is left out.
struct FileChange {
    std::string path;  // image path
    Change change = Change::changed;
    tree::FileType type = tree::FileType::regular;  // in B; of what was removed, in A
    std::vector<ValueChange> attributes;            // of what changed
    std::optional<ContentChange> content;
};

// A value of the configuration. `a` and `b` are JSON; nullopt: not there.
struct ConfigChange {
    std::vector<std::string> key;  // {"Labels", "version"}; variables of Env by their names
    std::optional<std::string> a, b;
};

// The first byte of the files that differs, and what it belongs to in each.
struct FirstByte {
    uint64_t offset = 0;
    std::string a, b;  // "the inode table", "the data of /bin/sh"
};

struct Differences {
    std::vector<FileChange> files;     // sorted by path, a directory before what is in it
    std::vector<ConfigChange> config;  // sorted by key
    // compression, block size, time; and what follows from the files (inodes, bytes used, …) only when those are equal.
    std::vector<ValueChange> packing;
    std::optional<FirstByte> first_byte;  // nullopt exactly when the files are the same bytes

    bool same() const { return !first_byte; }
};

// `a` and `b` are .gvmi files. Contents are compared as they are read; memory grows with the number of files only, as
// for ImageReader::read_tree. Throws what ImageReader throws, and interrupted soon after `stop` is requested.
Differences compare_images(const std::filesystem::path& a, const std::filesystem::path& b,
                           const std::stop_token& stop = {});

}  // namespace gbuild::compare
