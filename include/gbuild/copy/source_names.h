// Finding what a COPY pattern names, the same for a directory on disk and for a file tree.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/events.h"
#include "gbuild/base/paths.h"
#include "gbuild/tree/inode.h"

namespace gbuild::build {

// The names of a source. Paths are relative to its root, "" is the root.
class SourceNames {
  public:
    struct Found {
        std::string path;  // without symbolic links
        tree::FileType type;
    };
    struct Name {
        std::string name;
        tree::FileType type;  // of a link: symlink
    };

    virtual ~SourceNames() = default;
    // What is at `path`, all symbolic links followed inside the source.
    virtual std::optional<Found> find(const std::string& path) const = 0;
    // The names in a directory that find() gave the path of, in any order.
    virtual std::vector<Name> list(const std::string& directory) const = 0;
};

// A source as COPY writes it, made relative: no leading "/", "." or empty components, ".." stops at the root.
std::string clean_source(std::string_view pattern);
// For messages: quoted, and shortened when it is longer than anybody reads.
std::string shown(std::string_view path);
// The first few of a list, quoted, and how many more there are.
std::string some_of(const std::vector<std::string>& names);
// What is said of files of a context that had a file capability.
Warning capability_warning(const std::vector<std::string>& names);
bool has_wildcards(std::string_view pattern);

// The paths that a cleaned pattern selects, sorted; a pattern without wildcards selects itself if find() knows it.
// Symbolic links are followed before the first wildcard, and are not looked through after it. Throws dockerfile for a
// malformed pattern.
std::vector<std::string> matching_paths(const SourceNames& names, const std::string& pattern);

// "did you mean …?" or the like, or "" when nothing has a name like the cleaned pattern's.
std::string hint_for_missing(const SourceNames& names, const std::string& pattern);

}  // namespace gbuild::build
