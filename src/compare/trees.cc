#include "trees.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/digest.h"
#include "gbuild/base/text.h"

namespace gbuild::compare {

namespace {

using tree::FileType;
using tree::Inode;
using tree::Node;

bool is_device(FileType type) { return type == FileType::char_device || type == FileType::block_device; }

// Short text as it is, bytes as hex, what is long as its digest.
std::string value_text(const std::string& value) {
    constexpr size_t longest = 64;
    if (value.size() > longest)
        return fmt::format("{} bytes, {}", value.size(), Digest::of(std::string_view(value)).text());
    const bool plain = is_utf8(value) && printable(value) == value;
    if (plain) return quoted(value);
    const auto* bytes = reinterpret_cast<const std::byte*>(value.data());
    return "0x" + to_hex(std::span(bytes, value.size()));
}

// Names that are one file, for files with several.
class HardLinks {
  public:
    explicit HardLinks(const tree::Tree& tree) {
        std::map<const Inode*, std::string> first;
        tree.walk([&](const std::string& path, const Node& node) {
            if (node.is_directory()) return;
            const auto [found, is_new] = first.emplace(node.inode.get(), path);
            if (is_new) return;
            std::vector<std::string>& names = names_[node.inode.get()];
            if (names.empty()) names.push_back(found->second);
            names.push_back(path);
        });
    }

    // nullptr: it has one name.
    const std::vector<std::string>* names(const Inode& inode) const {
        const auto found = names_.find(&inode);
        return found == names_.end() ? nullptr : &found->second;
    }

  private:
    std::map<const Inode*, std::vector<std::string>> names_;
};

// The other names of the file at `path`.
std::optional<std::string> others_text(const std::vector<std::string>* names, const std::string& path) {
    constexpr size_t most = 3;
    if (!names) return std::nullopt;
    std::vector<std::string> shown;
    for (const std::string& name : *names) {
        if (name != path && shown.size() < most) shown.push_back('/' + name);
    }
    const size_t count = names->size() - 1;
    return join(shown, " ") + (count > most ? fmt::format(" and {} more", count - most) : "");
}

class AttributeComparison {
  public:
    AttributeComparison(const Inode& a, const Inode& b) : a_(a), b_(b) {}

    std::vector<ValueChange> run() && {
        add("type", std::string(type_name(a_.type)), std::string(type_name(b_.type)));
        // All symbolic links have one mode, as far as a kernel cares.
        if (a_.type == b_.type || (a_.type != FileType::symlink && b_.type != FileType::symlink))
            add("mode", fmt::format("{:04o}", a_.mode), fmt::format("{:04o}", b_.mode));
        add("owner", fmt::format("{}:{}", a_.uid, a_.gid), fmt::format("{}:{}", b_.uid, b_.gid));
        add("mtime", format_rfc3339(a_.mtime), format_rfc3339(b_.mtime));
        if (a_.type == b_.type) of_type();
        xattrs();
        return std::move(changes_);
    }

  private:
    void add(std::string name, std::optional<std::string> a, std::optional<std::string> b) {
        if (a != b) changes_.push_back({std::move(name), std::move(a), std::move(b)});
    }

    void of_type() {
        if (a_.type == FileType::regular) add("size", std::to_string(a_.size), std::to_string(b_.size));
        if (a_.type == FileType::symlink) add("target", a_.target, b_.target);
        if (is_device(a_.type)) {
            add("device", fmt::format("{}:{}", a_.device_major, a_.device_minor),
                fmt::format("{}:{}", b_.device_major, b_.device_minor));
        }
    }

    void xattrs() {
        std::map<std::string, std::pair<const std::string*, const std::string*>> values;
        for (const tree::Xattr& xattr : a_.xattrs) values[xattr.name].first = &xattr.value;
        for (const tree::Xattr& xattr : b_.xattrs) values[xattr.name].second = &xattr.value;
        auto text = [](const std::string* value) { return value ? std::optional(value_text(*value)) : std::nullopt; };
        for (const auto& [name, pair] : values) add("xattr " + name, text(pair.first), text(pair.second));
    }

    const Inode& a_;
    const Inode& b_;
    std::vector<ValueChange> changes_;
};

class TreeComparison {
  public:
    TreeComparison(const tree::Tree& a, const tree::Tree& b, const CompareContents& contents) :
        links_a_(a), links_b_(b), contents_(contents) {
        compare("", a.root(), b.root());
    }

    std::vector<FileChange> take() && { return std::move(changes_); }

  private:
    void compare(const std::string& path, const Node& a, const Node& b) {
        FileChange change;
        change.path = path;
        change.type = b.inode->type;
        change.attributes = AttributeComparison(*a.inode, *b.inode).run();
        compare_links(path, *a.inode, *b.inode, change);
        if (a.inode->type == FileType::regular && b.inode->type == FileType::regular)
            change.content = compare_files(*a.inode, *b.inode);
        if (!change.attributes.empty() || change.content) changes_.push_back(std::move(change));
        compare_children(path, a, b);
    }

    void compare_children(const std::string& path, const Node& a, const Node& b) {
        auto in_a = a.children.begin();
        auto in_b = b.children.begin();
        while (in_a != a.children.end() || in_b != b.children.end()) {
            const bool only_a = in_b == b.children.end() || (in_a != a.children.end() && in_a->first < in_b->first);
            const bool only_b = !only_a && (in_a == a.children.end() || in_b->first < in_a->first);
            const std::string& name = only_b ? in_b->first : in_a->first;
            const std::string child = path.empty() ? name : path + '/' + name;
            if (only_a)
                add_all(child, *in_a->second, Change::removed);
            else if (only_b)
                add_all(child, *in_b->second, Change::added);
            else
                compare(child, *in_a->second, *in_b->second);
            if (!only_b) ++in_a;
            if (!only_a) ++in_b;
        }
    }

    void add_all(const std::string& path, const Node& node, Change kind) {
        FileChange change;
        change.path = path;
        change.change = kind;
        change.type = node.inode->type;
        changes_.push_back(std::move(change));
        for (const auto& [name, child] : node.children) add_all(path + '/' + name, *child, kind);
    }

    void compare_links(const std::string& path, const Inode& a, const Inode& b, FileChange& change) const {
        const std::vector<std::string>* names_a = links_a_.names(a);
        const std::vector<std::string>* names_b = links_b_.names(b);
        if (!names_a && !names_b) return;
        if (names_a && names_b && *names_a == *names_b) return;
        change.attributes.push_back({"links", others_text(names_a, path), others_text(names_b, path)});
    }

    // A file of many names is read once.
    std::optional<ContentChange> compare_files(const Inode& a, const Inode& b) {
        if (a.content.empty() && b.content.empty()) return std::nullopt;
        if (!links_a_.names(a) || !links_b_.names(b)) return contents_(a, b);
        const auto [found, is_new] = known_.try_emplace(std::pair(&a, &b));
        if (is_new) found->second = contents_(a, b);
        return found->second;
    }

    HardLinks links_a_, links_b_;
    const CompareContents& contents_;
    std::map<std::pair<const Inode*, const Inode*>, std::optional<ContentChange>> known_;
    std::vector<FileChange> changes_;
};

}  // namespace

std::vector<FileChange> compare_trees(const tree::Tree& a, const tree::Tree& b, const CompareContents& contents) {
    return TreeComparison(a, b, contents).take();
}

}  // namespace gbuild::compare
