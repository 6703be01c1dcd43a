// The files that COPY and ADD select from a directory on disk: the build context or a named one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gbuild/base/rooted.h"
#include "gbuild/dockerfile/ignore.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::build {

// A file or directory below a context.
struct ContextEntry {
    std::string path;   // relative to the context, cleaned
    tree::Inode inode;  // mode and type from disk; owner 0:0, mtime 0, size; symlink target; no xattrs but capabilities
};

// A directory read through descriptors that cannot leave it, without what .dockerignore excludes. Thread-compatible.
class ContextDir {
  public:
    ContextDir(RootedDir root, dockerfile::IgnoreRules ignore);

    // Entries a COPY pattern selects ("src", "*.py", "a/[bc]/d?"), sorted by path: each match itself, without its children.
    // Symbolic links in the middle of a pattern are followed inside the context; a match that is a symbolic link is followed
    // when it is named without wildcards, as docker does. Throws dockerfile when nothing matches, naming the pattern, the
    // context and the nearest existing name, or that .dockerignore excludes it.
    std::vector<ContextEntry> match(const std::string& pattern) const;
    // Everything below a directory, sorted, parents first; sockets are an unsupported error naming the path.
    std::vector<ContextEntry> children(const std::string& path) const;
    // Opens a regular file for reading.
    UniqueFd open(const std::string& path) const;
    std::optional<ContextEntry> find(const std::string& path) const;

  private:
    RootedDir root_;
    dockerfile::IgnoreRules ignore_;
};

}  // namespace gbuild::build
