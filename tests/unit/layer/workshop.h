// A tree, the directory that it was written to, and commands that change it as a build does.
#pragma once

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "gbuild/base/remove_tree.h"
#include "gbuild/layer/directory.h"
#include "gbuild/layer/snapshot.h"
#include "overlay.h"
#include "reading.h"
#include "scratch_dir.h"

namespace gbuild::layer {

namespace fs = std::filesystem;

// The epoch of all snapshots.
inline constexpr int64_t latest = 1'000'000;

// The contents of a tree's files, by the number of their reference.
class FileContents {
  public:
    void add(tree::LayerTree& layer, const std::map<std::string, std::string>& by_path) {
        for (tree::LayerEntry& entry : layer) {
            const auto found = by_path.find(entry.path);
            if (entry.kind != tree::EntryKind::inode || entry.inode.type != tree::FileType::regular ||
                entry.inode.size == 0 || found == by_path.end()) {
                continue;
            }
            entry.inode.content = {0, static_cast<uint32_t>(contents_.size())};
            contents_.push_back(found->second);
        }
    }
    void read(const tree::Inode& inode, const std::function<void(std::span<const std::byte>)>& consume) const {
        const std::string& contents = contents_.at(inode.content.number);
        for (size_t at = 0; at < contents.size(); at += 10000) {
            consume(as_bytes(std::string_view(contents).substr(at, 10000)));
        }
    }

  private:
    std::vector<std::string> contents_;
};

// A layer with all times at the latest, so that only what a test changes changes.
inline tree::LayerTree layer_of(const TarBuilder& tar, FileContents& contents) {
    Layer layer = read_layer(tar);
    contents.add(layer.entries, layer.contents);
    for (tree::LayerEntry& entry : layer.entries) {
        if (entry.inode.mtime == 0) entry.inode.mtime = latest;
    }
    tree::LayerEntry root;
    root.inode.mtime = latest;
    layer.entries.insert(layer.entries.begin(), root);
    return std::move(layer.entries);
}

// "-" gone, "=" there with known contents or none, "+" with new contents, "a > b" a link to b.
inline std::string describe(const tree::LayerEntry& entry, char sign) {
    switch (entry.kind) {
    case tree::EntryKind::whiteout: return "- " + entry.path;
    case tree::EntryKind::opaque: return "o " + entry.path;
    case tree::EntryKind::hard_link: return entry.path + " > " + entry.target;
    case tree::EntryKind::inode: return std::string(1, sign) + " " + entry.path;
    }
    return {};
}

inline std::string show(const tree::Inode& inode) {
    std::string text =
        fmt::format("type {} mode {:o} owner {}:{} mtime {} size {} target {}", static_cast<int>(inode.type),
                    inode.mode, inode.uid, inode.gid, inode.mtime, inode.size, inode.target);
    for (const tree::Xattr& xattr : inode.xattrs) text += " " + xattr.name + "=" + xattr.value;
    return text;
}

class Workshop {
  public:
    explicit Workshop(const TarBuilder& tar, Ownership ownership = Ownership::record) : ownership_(ownership) {
        for (const char* name : {"base", "delta", "merged"}) fs::create_directory(scratch_.path() / name);
        tree.apply(layer_of(tar, contents));
        write_difference(tree::Tree(), tree, RootedDir(base()), DirectoryForm::whole, options());
        write_difference(tree, tree, RootedDir(delta()), DirectoryForm::overlay, options());
        fresh_upper();
    }

    fs::path base() const { return scratch_.path() / "base"; }
    fs::path delta() const { return scratch_.path() / "delta"; }
    fs::path upper() const { return scratch_.path() / "upper"; }
    fs::path merged() const { return scratch_.path() / "merged"; }

    ExtractOptions options() const {
        ExtractOptions made;
        made.ownership = ownership_;
        made.device_placeholders = true;
        made.read = [this](const tree::Inode& inode, const auto& consume) { contents.read(inode, consume); };
        return made;
    }

    void fresh_upper() {
        for (const char* name : {"upper", "work"}) {
            remove_tree(scratch_.path() / name);
            fs::create_directory(scratch_.path() / name);
        }
        write_difference(tree, tree, RootedDir(upper()), DirectoryForm::overlay, options());
    }

    // False where there are no overlay mounts.
    bool run(const std::function<std::string()>& body) {
        const OverlayDirs dirs{delta().native() + ":" + base().native(), upper(), scratch_.path() / "work", merged()};
        const auto said = in_overlay(dirs, body);
        if (!said) {
            WARN("skipped: no overlay mounts here");
            return false;
        }
        CHECK(*said == "");
        return true;
    }
    bool run(const std::string& script) {
        return run([&] { return std::system(script.c_str()) == 0 ? std::string() : "the script failed"; });
    }

    // The same for commands that change the base itself.
    bool run_in_place(const std::function<std::string()>& body) {
        const auto said = in_namespaces(scratch_.path() / "report", base(), enter_namespaces, body);
        if (!said) {
            WARN("skipped: no namespaces here");
            return false;
        }
        CHECK(*said == "");
        return true;
    }

    // What was written so far has an older ctime than `changed_since`, what is written later has not.
    void note_time() {
        const timespec written = tick("0");
        do changed_since = tick("1");
        while (written.tv_sec == changed_since.tv_sec && written.tv_nsec == changed_since.tv_nsec);
    }

    SnapshotRequest request(const RootedDir& directory, DirectoryForm form) const {
        return {directory, form, ownership_, records, path_records, tree, latest, options().read, changed_since};
    }

    // The changes, described; afterwards the tree has them.
    std::vector<std::string> snapshot(const fs::path& directory, DirectoryForm form) {
        const RootedDir root(directory);
        Snapshot taken = take_snapshot(request(root, form));
        std::vector<std::string> changes;
        for (const tree::LayerEntry& entry : taken.ready) changes.push_back(describe(entry, '='));
        last = taken.ready;
        tree.apply(std::move(taken.ready));
        if (taken.to_pack) {
            Layer packed = collect(*taken.to_pack);
            contents.add(packed.entries, packed.contents);
            for (const tree::LayerEntry& entry : packed.entries) changes.push_back(describe(entry, '+'));
            tree.apply(std::move(packed.entries));
        }
        return changes;
    }
    std::vector<std::string> snapshot_upper() { return snapshot(upper(), DirectoryForm::overlay); }

    const tree::Inode& inode(const std::string& path) const {
        const tree::Node* node = tree.find(path, tree::FollowLast::no);
        if (!node) throw std::runtime_error("no " + path);
        return *node->inode;
    }

    // What is wrong with a directory that is to show the tree; nothing when all is right. Files of several names may
    // be several files, as overlayfs breaks links.
    std::string difference(const fs::path& directory) const {
        const RootedDir root(directory);
        // An overlay's own directory has no marks, so that this finds what differs and not what is missing.
        Snapshot taken = take_snapshot(request(root, DirectoryForm::overlay));
        std::string text;
        for (const tree::LayerEntry& entry : taken.ready) {
            text += describe(entry, '=') + "\n";
            if (entry.kind != tree::EntryKind::inode) continue;
            const tree::Node* node = tree.find(entry.path, tree::FollowLast::no);
            text += show(entry.inode) + " instead of " + (node ? show(*node->inode) : "nothing") + "\n";
        }
        tree::LayerEntry entry;
        while (taken.to_pack && taken.to_pack->next(entry)) text += describe(entry, '+') + "\n";
        tree.walk([&](const std::string& path, const tree::Node&) {
            if (!root.lstat(path)) text += "missing " + path + "\n";
        });
        return text;
    }

    // Whether the layers show the tree; true where it cannot be seen.
    void check_layers() {
        fresh_upper();
        run([&] { return difference(merged()); });
        fresh_upper();
    }

    tree::Tree tree;
    FileContents contents;
    std::vector<NodeRecord> records;
    std::vector<PathRecord> path_records;
    timespec changed_since = {};
    tree::LayerTree last;  // what was ready in the last snapshot

  private:
    // The file system's time, whose clock may tick rarely.
    timespec tick(const char* name) const {
        const fs::path path = scratch_.path() / name;
        write_all(open_file(path, O_WRONLY | O_CREAT | O_TRUNC).get(), "x");
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) throw std::runtime_error("stat");
        return status.st_ctim;
    }

    ScratchDir scratch_;
    Ownership ownership_;
};

using Changes = std::vector<std::string>;

// The tree changes by a layer and the directory follows.
inline void follow(Workshop& shop, const tree::LayerTree& layer, DirectoryForm form) {
    const tree::Tree before = shop.tree.clone();
    shop.tree.apply(layer);
    const fs::path& directory = form == DirectoryForm::whole ? shop.base() : shop.delta();
    write_difference(before, shop.tree, RootedDir(directory), form, shop.options());
}

inline void follow(Workshop& shop, const TarBuilder& tar, DirectoryForm form) {
    follow(shop, layer_of(tar, shop.contents), form);
}

inline tree::LayerEntry whiteout(const std::string& path) { return {tree::EntryKind::whiteout, path, {}, {}}; }

}  // namespace gbuild::layer
