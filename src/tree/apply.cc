#include <fmt/format.h>

#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/tree/tree.h"
#include "resolver.h"

namespace gbuild::tree {
namespace {

// Bounds the recursion over a tree. A path of 4096 bytes has no more components; only symbolic links to deep
// directories could lead further down.
constexpr size_t max_depth = 2048;

// Everything before the last component, and that component.
std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return {{}, path};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

class Applier {
  public:
    Applier(Node& root, const LayerVisit& layer) : root_(root), layer_(layer) {}

    // Whiteouts and opaque markers are resolved in the lower tree as it was, so that their order does not matter.
    void hide_lower() {
        std::vector<Place> places;
        for (const Marker& marker : markers()) {
            const bool all = marker.kind == EntryKind::opaque;
            const auto [parent, name] =
                all ? std::pair(std::string_view(marker.path), std::string_view()) : split_last(marker.path);
            if (auto directory = lower_directory(parent)) {
                places.push_back({std::move(*directory), std::string(name), marker.position});
            }
        }
        for (const Place& place : places) {
            Node* directory = existing(place.directory);
            if (directory == nullptr) continue;  // another marker hid it
            auto& children = directory->children;
            const auto from = place.name.empty() ? children.begin() : children.find(place.name);
            const auto to = place.name.empty() || from == children.end() ? children.end() : std::next(from);
            for (auto child = from; child != to; ++child) hide(place, child->first, std::move(child->second));
            children.erase(from, to);
        }
    }

    void add(LayerEntry& entry) {
        ++position_;
        if (entry.kind == EntryKind::inode) {
            if (entry.path.empty()) {
                add_root(entry);
            } else {
                place(entry, std::make_shared<const Inode>(std::move(entry.inode)));
            }
        } else if (entry.kind == EntryKind::hard_link) {
            place(entry, link_target(entry));
        }
    }

  private:
    struct Marker {
        std::string path;
        EntryKind kind;
        size_t position;  // among the layer's entries, from 1 on
    };
    // What a marker hides: a name in a directory, or with an empty name all of them.
    struct Place {
        std::string directory, name;
        size_t position;
    };
    struct Hidden {
        std::unique_ptr<Node> node;
        size_t position;
    };

    std::vector<Marker> markers() const {
        std::vector<Marker> found;
        size_t position = 0;
        layer_([&](LayerEntry&& entry) {
            ++position;
            if (entry.kind == EntryKind::whiteout || entry.kind == EntryKind::opaque) {
                found.push_back({entry.path, entry.kind, position});
            }
        });
        return found;
    }

    void hide(const Place& place, const std::string& name, std::unique_ptr<Node> node) {
        const std::string path = place.directory.empty() ? name : place.directory + "/" + name;
        hidden_.emplace(path, Hidden{std::move(node), place.position});
    }

    // What stood at `path` in the layers below, if a marker hides it that is still to come. Who unpacks entry by entry,
    // as containerd does, finds it there.
    const Node* hidden_later(std::string_view path) const {
        for (size_t end = path.size(); end != std::string_view::npos && end > 0; end = path.rfind('/', end - 1)) {
            const auto found = hidden_.find(path.substr(0, end));
            if (found == hidden_.end()) continue;
            if (found->second.position < position_) return nullptr;
            const Node* node = found->second.node.get();
            std::string_view rest = path.substr(end);
            for (std::string_view name = take_component(rest); node && !name.empty(); name = take_component(rest)) {
                const auto child = node->children.find(name);
                node = child == node->children.end() ? nullptr : child->second.get();
            }
            return node;
        }
        return nullptr;
    }

    void add_root(const LayerEntry& entry) {
        if (!entry.inode.is_directory()) {
            throw Error(ErrorKind::integrity, "the root of the layer is not a directory");
        }
        root_.inode = std::make_shared<const Inode>(entry.inode);
    }

    void place(const LayerEntry& entry, std::shared_ptr<const Inode> inode) {
        const auto [parent, name] = split_last(entry.path);
        if (name.empty()) throw Error(ErrorKind::integrity, "the root of the layer is a hard link");
        Node& directory = directory_at(parent);
        const auto at = directory.children.lower_bound(name);
        if (at == directory.children.end() || at->first != name) {
            auto node = std::make_unique<Node>();
            node->inode = std::move(inode);
            directory.children.emplace_hint(at, name, std::move(node));
            return;
        }
        Node& node = *at->second;
        if (!inode->is_directory()) node.children.clear();
        node.inode = std::move(inode);
    }

    std::shared_ptr<const Inode> link_target(const LayerEntry& entry) const {
        const Resolution target = resolve_in(root_, entry.target, FollowLast::no);
        const Node* node = target.node != nullptr ? target.node : hidden_later(target.path);
        if (node == nullptr || target.detoured) {
            throw Error(ErrorKind::integrity, fmt::format("hard link {} points to {}, which does not exist",
                                                          gbuild::quoted(entry.path), gbuild::quoted(entry.target)));
        }
        if (node->is_directory()) {
            throw Error(ErrorKind::integrity, fmt::format("hard link {} points to {}, which is a directory",
                                                          gbuild::quoted(entry.path), gbuild::quoted(entry.target)));
        }
        return node->inode;
    }

    // The directory at `path`, made of whatever is there.
    Node& directory_at(std::string_view path) {
        if (Node* found = walk_down(path, OnSymlink::stop)) return *found;
        // No link is left in the resolved path, so the second walk arrives.
        return *walk_down(resolve_in(root_, path, FollowLast::yes).path, OnSymlink::replace);
    }

    enum class OnSymlink { stop, replace };

    Node* walk_down(std::string_view path, OnSymlink on_symlink) {
        const std::string_view whole = path;
        Node* node = &root_;
        size_t depth = 0;
        for (std::string_view name = take_component(path); !name.empty(); name = take_component(path)) {
            if (++depth >= max_depth) {
                throw Error(ErrorKind::limit, fmt::format("path {}… is more than {} directories deep",
                                                          gbuild::quoted(whole.substr(0, 100)), max_depth));
            }
            auto at = node->children.lower_bound(name);
            if (at == node->children.end() || at->first != name) {
                at = node->children.emplace_hint(at, name, std::make_unique<Node>());
                at->second->inode = std::make_shared<const Inode>();
            } else if (at->second->inode->type == FileType::symlink && on_symlink == OnSymlink::stop) {
                return nullptr;
            } else if (!at->second->is_directory()) {
                at->second->inode = std::make_shared<const Inode>();
            }
            node = at->second.get();
        }
        return node;
    }

    // The directory of the layers below that a whiteout in `path` acts on; nullopt when there is none. A link in whose
    // place this layer puts something else leads nowhere: what stood behind it stays, as when /var/run -> /run becomes
    // a directory.
    std::optional<std::string> lower_directory(std::string_view path) {
        const auto may_follow = [this](const std::string& link) { return !replaces(link); };
        Resolution found = resolve_in(root_, path, FollowLast::yes, may_follow);
        if (found.node == nullptr || found.detoured || !found.node->is_directory()) return std::nullopt;
        return std::move(found.path);
    }

    // Whether the layer changes the symbolic link of a lower layer at `path`; repeating it is no change.
    bool replaces(const std::string& path) {
        if (!own_) own_ = own_paths();
        const auto own = own_->find(path);
        if (own == own_->end()) return false;
        const Node* lower = existing(path);
        return !own->second || lower == nullptr || lower->inode->target != *own->second;
    }

    // The node at a path without links; nullptr when there is none.
    Node* existing(std::string_view path) {
        Node* node = &root_;
        for (std::string_view name = take_component(path); !name.empty(); name = take_component(path)) {
            const auto at = node->children.find(name);
            if (at == node->children.end()) return nullptr;
            node = at->second.get();
        }
        return node;
    }

    // What the layer leaves at each path of its own: where a symbolic link leads, nullopt for anything else.
    using OwnPaths = std::unordered_map<std::string, std::optional<std::string>>;
    OwnPaths own_paths() const {
        OwnPaths own;
        layer_([&](LayerEntry&& entry) {
            if (entry.kind == EntryKind::whiteout || entry.kind == EntryKind::opaque) return;
            const bool link = entry.kind == EntryKind::inode && entry.inode.type == FileType::symlink;
            own.insert_or_assign(entry.path, link ? std::optional(entry.inode.target) : std::nullopt);
        });
        return own;
    }

    Node& root_;
    const LayerVisit& layer_;
    std::optional<OwnPaths> own_;
    std::map<std::string, Hidden, std::less<>> hidden_;  // by the path it had
    size_t position_ = 0;                                // of the entry that is added
};

}  // namespace

void Tree::apply(LayerTree layer) {
    apply([&](const std::function<void(LayerEntry &&)>& take) {
        for (LayerEntry& entry : layer) take(std::move(entry));
    });
}

void Tree::apply(const LayerVisit& layer) {
    Applier applier(*root_, layer);
    applier.hide_lower();
    layer([&](LayerEntry&& entry) { applier.add(entry); });
}

}  // namespace gbuild::tree
