#include "gbuild/copy/copy_view.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/copy/source_names.h"

namespace gbuild::build {

namespace {

using tree::FollowLast;

std::vector<SourceItem> to_items(std::vector<ContextEntry> entries) {
    std::vector<SourceItem> items;
    items.reserve(entries.size());
    for (ContextEntry& entry : entries)
        items.push_back({std::move(entry.path), std::move(entry.inode), nullptr, entry.is_socket});
    return items;
}

class ContextView : public CopyView {
  public:
    explicit ContextView(const ContextDir& context) : context_(context) {}

    std::vector<SourceItem> match_any(const std::string& pattern) const override {
        return to_items(context_.match_any(pattern));
    }
    Error nothing_matches(const std::string& pattern) const override { return context_.nothing_matches(pattern); }
    std::vector<SourceItem> children(const std::string& path, const Selector& select) const override {
        return to_items(context_.children(path, select));
    }
    const ContextDir* directory() const override { return &context_; }

  private:
    const ContextDir& context_;
};

class TreeNames : public SourceNames {
  public:
    explicit TreeNames(const tree::Tree& tree) : tree_(tree) {}

    std::optional<Found> find(const std::string& path) const override {
        const tree::Node* node = tree_.find(path, FollowLast::yes);
        if (!node) return std::nullopt;
        return Found{tree_.resolve(path, FollowLast::yes), node->inode->type};
    }
    std::vector<Name> list(const std::string& directory) const override {
        std::vector<Name> names;
        for (const auto& [name, child] : tree_.find(directory, FollowLast::yes)->children) {
            names.push_back({name, child->inode->type});
        }
        return names;
    }

  private:
    const tree::Tree& tree_;
};

class TreeView : public CopyView {
  public:
    explicit TreeView(const TreeSource& source) : tree_(*source.tree), name_(source.name) {}

    std::vector<SourceItem> match_any(const std::string& pattern) const override {
        std::string cleaned = clean_source(pattern);
        std::vector<SourceItem> items;
        for (const std::string& path : matching_paths(TreeNames(tree_), cleaned)) {
            const tree::Node* node = tree_.find(path, FollowLast::yes);
            if (!node) {
                throw Error(ErrorKind::dockerfile,
                            fmt::format("{} in {} is a symbolic link to nothing in it", quoted("/" + path), name_));
            }
            items.push_back({path, *node->inode, node->inode.get()});
        }
        if (items.empty() && !has_wildcards(cleaned)) throw nothing_matches(pattern);
        return items;
    }

    Error nothing_matches(const std::string& pattern) const override {
        std::string cleaned = clean_source(pattern);
        Error error(ErrorKind::dockerfile, has_wildcards(cleaned)
                                               ? fmt::format("nothing in {} matches {}", name_, shown(pattern))
                                               : fmt::format("{} is not in {}", shown(pattern), name_));
        std::string hint = hint_for_missing(TreeNames(tree_), cleaned);
        return hint.empty() ? error : error.hint(hint);
    }

    std::vector<SourceItem> children(const std::string& path, const Selector& select) const override {
        std::vector<SourceItem> items;
        if (const tree::Node* node = tree_.find(path, FollowLast::yes)) collect(*node, path, "", select, items);
        return items;
    }

    const ContextDir* directory() const override { return nullptr; }

  private:
    // `below` is relative to the directory that `shown` names. True when anything was taken.
    bool collect(const tree::Node& node, const std::string& shown, const std::string& below, const Selector& select,
                 std::vector<SourceItem>& items) const {
        bool any = false;
        for (const auto& [name, child] : node.children) {
            std::string path = join_path(below, name);
            const tree::Inode& inode = *child->inode;
            Selection selection = select ? select(path, inode.type) : Selection::take;
            if (selection == Selection::prune) continue;
            size_t place = items.size();
            items.push_back({join_path(shown, path), inode, child->inode.get()});
            bool keep = selection == Selection::take;
            if (collect(*child, shown, path, select, items)) keep = true;
            if (!keep) items.resize(place);
            any = any || keep;
        }
        return any;
    }

    const tree::Tree& tree_;
    const std::string& name_;
};

}  // namespace

std::unique_ptr<CopyView> view_of(const ContextDir& context) { return std::make_unique<ContextView>(context); }

std::unique_ptr<CopyView> view_of(const TreeSource& source) { return std::make_unique<TreeView>(source); }

}  // namespace gbuild::build
