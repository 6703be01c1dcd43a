// The files that COPY and ADD select from a directory on disk: the build context or a named one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gbuild/base/digest.h"
#include "gbuild/base/error.h"
#include "gbuild/base/rooted.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/copy/content_hasher.h"
#include "gbuild/dockerfile/ignore.h"
#include "gbuild/tree/layer_tree.h"

namespace gbuild::build {

// A file or directory below a context.
struct ContextEntry {
    std::string path;        // relative to the context, cleaned; "" is the context itself
    tree::Inode inode;       // mode, type, size and symlink target from disk; owner 0:0, mtime 0, no xattrs
    bool is_socket = false;  // on disk; here it is an empty regular file, as for BuildKit
};

// What a walk does with an entry. `path` is relative to the directory walked. A directory that is passed over appears
// all the same when something below it is taken.
enum class Selection {
    take,
    pass_over,  // not this one, but look below it
    prune,      // nor anything below it
};
using Selector = std::function<Selection(const std::string& path, tree::FileType type)>;

// What of a directory does not exist for COPY: what .dockerignore excludes, and the files that the build itself writes,
// which would make an image a function of the one before. All that is in them counts, too. Paths are relative, cleaned,
// without leading "/".
class ContextRules {
  public:
    ContextRules() = default;  // everything exists
    ContextRules(dockerfile::IgnoreRules ignore, std::set<std::string, std::less<>> own = {}) :
        ignore_(std::move(ignore)), own_(std::move(own)) {}

    bool excluded(std::string_view path) const { return is_own(path) || ignore_.excluded(path); }
    bool may_reinclude() const { return ignore_.may_reinclude(); }
    // Whether it is one of the files and directories that the build writes, or in one.
    bool is_own(std::string_view path) const;

  private:
    dockerfile::IgnoreRules ignore_;
    std::set<std::string, std::less<>> own_;
};

// A directory read through descriptors that cannot leave it, without what `rules` exclude: a path that is
// excluded does not exist here, however it is reached. An excluded directory exists when a negated rule keeps something
// below it. Nothing depends on owners, times, directory order or the umask. Thread-compatible.
class ContextDir {
  public:
    // `name` is for messages.
    ContextDir(RootedDir root, ContextRules rules, std::string name = "the build context");

    const std::string& name() const { return name_; }

    // Entries a COPY pattern selects ("src", "*.py", "a/[bc]/d?"), sorted by path: each match itself, without its
    // children. ".." stops at the context. Symbolic links before the first wildcard are followed inside the context,
    // and so is a match that is a link itself: the entry has the link's path and what it leads to. Throws dockerfile
    // when nothing matches, naming the pattern, the context and the nearest existing name, or that .dockerignore
    // excludes it.
    std::vector<ContextEntry> match(const std::string& pattern) const;
    // As match(), but nothing is an answer when the pattern has wildcards.
    std::vector<ContextEntry> match_any(const std::string& pattern) const;
    // Everything below a directory, sorted by path, parents first; symbolic links are not followed below it. A
    // directory that cannot be read is a permission error that names it.
    std::vector<ContextEntry> children(const std::string& path, const Selector& select = {}) const;
    // The error that match() throws for a pattern that selects nothing.
    Error nothing_matches(const std::string& pattern) const;
    // What is at `path`, symbolic links followed; nullopt when there is nothing.
    std::optional<ContextEntry> find(const std::string& path) const;
    // Opens a regular file that one of the above gave. Throws permission, not_found, each naming the path.
    UniqueFd open(const std::string& path) const;
    // Of the whole contents of such a file. Read once: later calls give what the first one found. Thread-safe.
    ContentSum sum_of(const std::string& path) const;

  private:
    using Sums = std::unordered_map<std::string, ContentSum>;
    Error behind_link(const std::string& pattern, const std::string& path, const std::string& real) const;

    RootedDir root_;
    ContextRules rules_;
    std::string name_;
    std::unique_ptr<Synchronized<Sums>> sums_ = std::make_unique<Synchronized<Sums>>();
};

}  // namespace gbuild::build
