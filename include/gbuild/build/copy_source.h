// The files that COPY and ADD select from a directory on disk: the build context or a named one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/rooted.h"
#include "gbuild/dockerfile/ignore.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::build {

// A file or directory below a context.
struct ContextEntry {
    std::string path;   // relative to the context, cleaned; "" is the context itself
    tree::Inode inode;  // mode, type, size and symlink target from disk; owner 0:0, mtime 0, no xattrs
};

// What a walk does with an entry. `path` is relative to the directory walked. A directory that is passed over appears
// all the same when something below it is taken.
enum class Selection {
    take,
    pass_over,  // not this one, but look below it
    prune,      // nor anything below it
};
using Selector = std::function<Selection(const std::string& path, tree::FileType type)>;

// A directory read through descriptors that cannot leave it, without what .dockerignore excludes: a path that is
// excluded does not exist here, however it is reached. An excluded directory exists when a negated rule keeps something
// below it. Nothing depends on owners, times, directory order or the umask. Thread-compatible.
class ContextDir {
  public:
    // `name` is for messages.
    ContextDir(RootedDir root, dockerfile::IgnoreRules ignore, std::string name = "the build context");

    const std::string& name() const { return name_; }

    // Entries a COPY pattern selects ("src", "*.py", "a/[bc]/d?"), sorted by path: each match itself, without its
    // children. ".." stops at the context. Symbolic links before the first wildcard are followed inside the context,
    // and so is a match that is a link itself: the entry has the link's path and what it leads to. Throws dockerfile
    // when nothing matches, naming the pattern, the context and the nearest existing name, or that .dockerignore
    // excludes it.
    std::vector<ContextEntry> match(const std::string& pattern) const;
    // As match(), but nothing is an answer when the pattern has wildcards.
    std::vector<ContextEntry> match_any(const std::string& pattern) const;
    // Everything below a directory, sorted by path, parents first; symbolic links are not followed below it. A socket
    // that is taken is an unsupported error, a directory that cannot be read a permission error, each naming the path.
    std::vector<ContextEntry> children(const std::string& path, const Selector& select = {}) const;
    // The error that match() throws for a pattern that selects nothing.
    Error nothing_matches(const std::string& pattern) const;
    // What is at `path`, symbolic links followed; nullopt when there is nothing.
    std::optional<ContextEntry> find(const std::string& path) const;
    // Opens a regular file that one of the above gave. Throws permission, not_found, each naming the path.
    UniqueFd open(const std::string& path) const;

  private:
    RootedDir root_;
    dockerfile::IgnoreRules ignore_;
    std::string name_;
};

}  // namespace gbuild::build
