#include "gbuild/layer/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include <fmt/format.h>

#include "disk_inode.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {

namespace {

using tree::EntryKind;
using tree::FileType;
using tree::Inode;
using tree::LayerEntry;
using tree::Node;

constexpr int deepest = 2048;

// The contents of files as they lie on disk.
class DiskStream final : public tree::EntryStream {
  public:
    DiskStream(int root, std::vector<LayerEntry> entries) : root_(duplicate(root)), entries_(std::move(entries)) {}

    bool next(LayerEntry& entry) override {
        file_.reset();
        if (at_ == entries_.size()) return false;
        entry = std::move(entries_[at_++]);
        path_ = entry.path;
        return true;
    }

    void read(std::span<std::byte> out) override {
        if (!file_) open();
        if (read_full(file_.get(), out) == out.size()) return;
        throw Error(ErrorKind::io, fmt::format("{} has become shorter while it was read", quoted(path_)));
    }

  private:
    void open() {
        // Nobody works in the directory any more, so that no link can lead elsewhere.
        file_ = UniqueFd(::openat(root_.get(), path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!file_) throw_errno(fmt::format("cannot open {}", quoted(path_)));
    }

    UniqueFd root_, file_;
    std::vector<LayerEntry> entries_;
    size_t at_ = 0;
    std::string path_;
};

class Comparison {
  public:
    explicit Comparison(const SnapshotRequest& request) :
        request_(request), reader_(request.ownership, request.records, request.path_records) {}

    Snapshot run() {
        const UniqueFd root = request_.directory.open("", O_RDONLY | O_DIRECTORY);
        const Node& before = request_.before.root();
        compare_root(root.get(), before);
        compare_children(root.get(), "", &before, 0);
        Snapshot snapshot;
        snapshot.ready = std::move(ready_);
        if (!to_pack_.empty()) snapshot.to_pack = std::make_unique<DiskStream>(root.get(), std::move(to_pack_));
        return snapshot;
    }

  private:
    // A file that has several names: the first one, and whether its contents are packed anew.
    struct Group {
        std::string path;
        const Inode* before;
        bool packed;
    };

    void compare_root(int root, const Node& before) {
        DiskInode entry = reader_.read(root, ".", "/");
        settle_time(root, ".", "/", entry, before.inode.get());
        if (entry.inode != *before.inode) ready_.push_back({EntryKind::inode, "", "", std::move(entry.inode)});
    }

    void compare_children(int directory, const std::string& path, const Node* before, int depth) {
        if (depth > deepest) {
            throw Error(ErrorKind::limit, fmt::format("{} lies more than {} directories deep", quoted(path), deepest));
        }
        const std::vector<std::string> names = sorted_names(directory, path);
        for (const std::string& name : names) {
            const Node* old = before ? child_of(*before, name) : nullptr;
            compare(directory, name, path.empty() ? name : path + "/" + name, old, depth);
        }
        if (request_.form == DirectoryForm::overlay || !before) return;
        for (const auto& [name, child] : before->children) {
            if (std::binary_search(names.begin(), names.end(), name)) continue;
            ready_.push_back({EntryKind::whiteout, path.empty() ? name : path + "/" + name, "", {}});
        }
    }

    static const Node* child_of(const Node& node, const std::string& name) {
        const auto found = node.children.find(name);
        return found == node.children.end() ? nullptr : found->second.get();
    }

    void compare(int directory, const std::string& name, const std::string& path, const Node* old, int depth) {
        DiskInode entry = reader_.read(directory, name, path);
        if (is_whiteout(entry.status)) {
            if (old) ready_.push_back({EntryKind::whiteout, path, "", {}});
            return;
        }
        const Inode* before = old ? old->inode.get() : nullptr;
        settle_time(directory, name, path, entry, before);
        if (entry.inode.is_directory()) return compare_directory(directory, name, path, entry, old, depth);
        if (entry.status.st_nlink > 1 && is_another_name(path, entry, before)) return;
        const bool packed = compare_file(directory, name, path, entry, before);
        if (entry.status.st_nlink > 1) {
            groups_.emplace(std::pair(entry.status.st_dev, entry.status.st_ino), Group{path, before, packed});
        }
    }

    void compare_directory(int directory, const std::string& name, const std::string& path, DiskInode& entry,
                           const Node* old, int depth) {
        const bool was_directory = old && old->is_directory();
        // What an opaque directory hides is gone, so nothing in it is as it was.
        const bool anew = !was_directory || (entry.opaque && request_.form == DirectoryForm::overlay);
        if (anew && was_directory) ready_.push_back({EntryKind::opaque, path, "", {}});
        if (!was_directory || entry.inode != *old->inode) {
            ready_.push_back({EntryKind::inode, path, "", entry.inode});
        }
        const UniqueFd inner = open_directory_at(directory, name, path);
        compare_children(inner.get(), path, anew ? nullptr : old, depth + 1);
    }

    // True when the file has been seen under an earlier name.
    bool is_another_name(const std::string& path, const DiskInode& entry, const Inode* before) {
        const auto found = groups_.find({entry.status.st_dev, entry.status.st_ino});
        if (found == groups_.end()) return false;
        const Group& group = found->second;
        const bool as_it_was = before && before == group.before && !changed_.contains(group.path);
        if (as_it_was) return true;
        LayerEntry link{EntryKind::hard_link, path, group.path, {}};
        (group.packed ? to_pack_ : ready_).push_back(std::move(link));
        return true;
    }

    // True when the contents are to be packed.
    bool compare_file(int directory, const std::string& name, const std::string& path, DiskInode& entry,
                      const Inode* before) {
        Inode& inode = entry.inode;
        const bool has_contents = inode.type == FileType::regular && inode.size > 0;
        if (has_contents && before && before->type == FileType::regular && before->size == inode.size &&
            (is_untouched(entry) || has_same_contents(directory, name, path, *before))) {
            inode.content = before->content;
        }
        if (before && inode == *before) return false;
        changed_.insert(path);
        const bool packed = has_contents && inode.content.empty();
        (packed ? to_pack_ : ready_).push_back({EntryKind::inode, path, "", std::move(inode)});
        return packed;
    }

    // Nobody can set a ctime but the kernel. Of what lies in overlayfs's upper layer every byte was written meanwhile.
    bool is_untouched(const DiskInode& entry) const {
        const timespec &changed = entry.status.st_ctim, &since = request_.changed_since;
        return changed.tv_sec < since.tv_sec || (changed.tv_sec == since.tv_sec && changed.tv_nsec < since.tv_nsec);
    }

    bool has_same_contents(int directory, const std::string& name, const std::string& path, const Inode& before) {
        const UniqueFd file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!file) throw_errno(fmt::format("cannot open {}", quoted(path)));
        std::vector<std::byte> buffer;
        bool same = true;
        request_.read(before, [&](std::span<const std::byte> expected) {
            if (!same) return;
            buffer.resize(expected.size());
            same = read_full(file.get(), buffer) == expected.size() &&
                   std::memcmp(buffer.data(), expected.data(), expected.size()) == 0;
        });
        return same;
    }

    // What changed is no newer than the epoch, in the image and on disk.
    void settle_time(int directory, const std::string& name, const std::string& path, DiskInode& entry,
                     const Inode* before) {
        const timespec& on_disk = entry.status.st_mtim;
        if (before && before->mtime == on_disk.tv_sec) return;
        entry.inode.mtime = std::clamp<int64_t>(on_disk.tv_sec, 0, std::max<int64_t>(0, request_.epoch));
        if (entry.inode.mtime == on_disk.tv_sec && on_disk.tv_nsec == 0) return;
        const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, timespec{entry.inode.mtime, 0}};
        if (::utimensat(directory, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
            throw_errno(fmt::format("cannot set the mtime of {}", quoted(path)));
        }
    }

    const SnapshotRequest& request_;
    DiskReader reader_;
    tree::LayerTree ready_, to_pack_;
    std::map<std::pair<dev_t, ino_t>, Group> groups_;
    std::set<std::string> changed_;
};

}  // namespace

Snapshot take_snapshot(const SnapshotRequest& request) { return Comparison(request).run(); }

}  // namespace gbuild::layer
