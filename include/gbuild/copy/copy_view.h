// What COPY reads from, whichever kind of source it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gbuild/copy/copy_inputs.h"

namespace gbuild::build {

struct SourceItem {
    std::string path;  // relative to the source's root; "" is the root
    tree::Inode inode;
    const tree::Inode* shared = nullptr;  // of a tree: equal pointers are hard links to one another
    bool is_socket = false;               // of a context, see ContextEntry
};

// Paths and patterns as in ContextDir, whose contract for match_any, nothing_matches and children holds for all
// sources.
class CopyView {
  public:
    virtual ~CopyView() = default;
    virtual std::vector<SourceItem> match_any(const std::string& pattern) const = 0;
    virtual Error nothing_matches(const std::string& pattern) const = 0;
    virtual std::vector<SourceItem> children(const std::string& path, const Selector& select) const = 0;
    // Where contents are read from; nullptr when they are packed already.
    virtual const ContextDir* directory() const = 0;
};

std::unique_ptr<CopyView> view_of(const ContextDir& context);
std::unique_ptr<CopyView> view_of(const TreeSource& source);

}  // namespace gbuild::build
