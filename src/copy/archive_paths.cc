#include "archive_paths.h"

#include <utility>

#include "gbuild/copy/source_names.h"

namespace gbuild::build {

namespace {

using tree::EntryKind;
using tree::FileType;
using tree::FollowLast;

void collect_links(const tree::Node& node, const std::string& path, tree::LayerTree& links) {
    for (const auto& [name, child] : node.children) {
        const std::string at = join_path(path, name);
        if (child->inode->type == FileType::symlink) links.push_back({EntryKind::inode, at, "", *child->inode});
        collect_links(*child, at, links);
    }
}

bool is_link(const tree::Node* node) { return node && node->inode->type == FileType::symlink; }

}  // namespace

tree::LayerTree links_below(const tree::Tree& image, const std::string& directory) {
    tree::LayerTree links;
    if (const tree::Node* node = image.find(directory, FollowLast::no)) collect_links(*node, "", links);
    return links;
}

ArchivePaths::ArchivePaths(std::string directory, const tree::LayerTree& links) : directory_(std::move(directory)) {
    links_.apply(links);
}

void ArchivePaths::place(tree::LayerEntry& entry) {
    if (directory_.empty()) return;
    entry.path = confined(entry.path);
    if (entry.kind == EntryKind::hard_link) entry.target = confined(entry.target);
    remember(entry);
    entry.path = join_path(directory_, entry.path);
    if (entry.kind == EntryKind::hard_link) entry.target = join_path(directory_, entry.target);
}

void ArchivePaths::note(const tree::LayerEntry& entry) {
    const std::string above = directory_ + "/";
    if (directory_.empty() || !entry.path.starts_with(above)) return;
    tree::LayerEntry below{entry.kind, entry.path.substr(above.size()), "", entry.inode};
    remember(below);
}

// A link that is replaced or made a hard link to is meant itself, so the last component is never followed.
std::string ArchivePaths::confined(const std::string& path) const {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos || links_.root().children.empty()) return path;
    return join_path(links_.resolve(path.substr(0, slash), FollowLast::yes), path.substr(slash + 1));
}

void ArchivePaths::remember(const tree::LayerEntry& entry) {
    const tree::Node* there = links_.find(entry.path, FollowLast::no);
    const tree::Node* target = entry.kind == EntryKind::hard_link ? links_.find(entry.target, FollowLast::no) : nullptr;
    const bool makes_link =
        is_link(target) || (entry.kind == EntryKind::inode && entry.inode.type == FileType::symlink);
    if (!there && !makes_link) return;
    tree::LayerTree kept = {entry};
    if (entry.kind == EntryKind::hard_link) {
        kept[0].kind = EntryKind::inode;
        if (is_link(target))
            kept[0].inode = *target->inode;
        else
            kept[0].inode.type = FileType::regular;
    }
    links_.apply(std::move(kept));
}

std::vector<tree::LayerEntry> ExplicitParents::before(const tree::LayerEntry& entry, const std::string& directory,
                                                      int64_t mtime) {
    std::vector<tree::LayerEntry> missing;
    const size_t from = directory.empty() ? 0 : directory.size() + 1;
    for (size_t end = entry.path.find('/', from); end != std::string::npos; end = entry.path.find('/', end + 1)) {
        if (!made_.insert(entry.path.substr(0, end)).second) continue;
        tree::LayerEntry parent;
        parent.path = entry.path.substr(0, end);
        parent.inode.mtime = mtime;
        missing.push_back(std::move(parent));
    }
    const bool is_directory = entry.kind == EntryKind::inode && entry.inode.is_directory();
    if (is_directory)
        made_.insert(entry.path);
    else
        made_.erase(entry.path);
    return missing;
}

}  // namespace gbuild::build
