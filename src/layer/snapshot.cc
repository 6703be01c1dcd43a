#include "gbuild/layer/snapshot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "attribute_names.h"
#include "changed_files.h"
#include "disk_inode.h"
#include "gbuild/base/error.h"
#include "gbuild/base/sparse_file.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

using tree::EntryKind;
using tree::FileType;
using tree::Inode;
using tree::LayerEntry;
using tree::Node;

constexpr size_t max_depth = 2048;
constexpr size_t max_path = 4096;

// squashfs counts seconds from 1970 in 32 bits.
int64_t image_time(int64_t seconds) { return std::clamp<int64_t>(seconds, 0, UINT32_MAX); }

// Path order is that of a walk: "/" before every other byte.
bool path_before(const std::string& left, const std::string& right) {
    const auto rank = [](char c) { return c == '/' ? 0 : 1 + static_cast<unsigned char>(c); };
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                        [&](char a, char b) { return rank(a) < rank(b); });
}

bool has_contents(const Inode& inode) { return inode.type == FileType::regular && inode.size > 0; }

bool can_carry_user_attributes(FileType type) {
    return type != FileType::symlink && type != FileType::fifo && type != FileType::socket;
}

// Equal but for the contents.
bool same_entry(const Inode& one, const Inode& other) {
    // Linux gives every symbolic link the mode 0777, tar archives others.
    const bool same_mode = one.mode == other.mode || one.type == FileType::symlink;
    const bool same_size = one.size == other.size || one.type != FileType::regular;
    return one.type == other.type && same_mode && one.uid == other.uid && one.gid == other.gid &&
           one.mtime == other.mtime && same_size && one.target == other.target &&
           one.device_major == other.device_major && one.device_minor == other.device_minor &&
           same_attributes(one.xattrs, other.xattrs);
}

bool is_before(const timespec& one, const timespec& other) {
    return one.tv_sec != other.tv_sec ? one.tv_sec < other.tv_sec : one.tv_nsec < other.tv_nsec;
}

class Comparison {
  public:
    explicit Comparison(const SnapshotRequest& request) : request_(request) {}

    bool same_contents(int fd, const Inode& old, const std::string& path) {
        SparseFile file(fd);
        uint64_t at = 0;
        bool same = true;
        const auto compare = [&](const ContentRun& expected) {
            same = same && next_is(file, expected);
            at += expected.size();
        };
        with_context([&] { return fmt::format("comparing {}", gbuild::quoted("/" + path)); },
                     [&] { request_.read(old, compare); });
        return same && at == old.size;
    }

  private:
    bool next_is(SparseFile& file, const ContentRun& expected) {
        for (uint64_t left = expected.zeros; left > 0;) {
            const uint64_t hole = std::min(left, file.zeros());
            file.skip(hole);
            left -= hole;
            const auto zeros = zero_bytes(left);
            if (!next_bytes_are(file, zeros)) return false;
            left -= zeros.size();
        }
        return next_bytes_are(file, expected.bytes);
    }

    bool next_bytes_are(SparseFile& file, std::span<const std::byte> expected) {
        if (expected.empty()) return true;
        if (buffer_.size() < expected.size()) buffer_.resize(expected.size());
        const auto piece = std::span(buffer_).first(expected.size());
        return file.read(piece) == piece.size() && std::memcmp(piece.data(), expected.data(), piece.size()) == 0;
    }

    const SnapshotRequest& request_;
    std::vector<std::byte> buffer_;
};

// A name of a file, and what `before` has there.
struct Name {
    std::string path;
    const Node* old = nullptr;
};

// What holds of everything in a directory.
struct Surroundings {
    size_t depth = 0;
    bool complete = false;  // nothing shows through it, so that what is not there is gone
    bool moved = false;     // it, or one above it, may have had another name
};

class SnapshotTaker {
  public:
    explicit SnapshotTaker(const SnapshotRequest& request) :
        request_(request), reader_(request), comparison_(request) {}

    Snapshot take() {
        const std::string here = ".";
        const std::string path;
        const HeldName root{request_.directory.fd(), here, path};
        visit_directory(root, reader_.read(root), &request_.before.root(),
                        {0, request_.form == DirectoryForm::whole, false});
        for (const auto& [key, group] : groups_) decide_group(group);
        std::sort(ready_.begin(), ready_.end(),
                  [](const LayerEntry& a, const LayerEntry& b) { return path_before(a.path, b.path); });
        std::sort(changed_.begin(), changed_.end(),
                  [](const ChangedFile& a, const ChangedFile& b) { return path_before(a.entry.path, b.entry.path); });
        Snapshot snapshot;
        snapshot.ready = std::move(ready_);
        if (!changed_.empty()) {
            snapshot.to_pack = std::make_unique<ChangedFiles>(duplicate(request_.directory.fd()), std::move(changed_));
        }
        return snapshot;
    }

  private:
    void visit(const HeldName& file, const Node* old, const Surroundings& around) {
        if (file.path.size() > max_path) {
            throw Error(ErrorKind::limit, fmt::format("{}… is a path of {} bytes",
                                                      gbuild::quoted("/" + file.path.substr(0, 100)), file.path.size()))
                .hint(fmt::format("Linux takes paths of up to {} bytes", max_path));
        }
        DiskInode disk = reader_.read(file);
        if (disk.is_whiteout) {
            if (old) add_whiteout(file.path);
        } else if (disk.inode.is_directory()) {
            visit_directory(file, std::move(disk), old, around);
        } else if (disk.status.st_nlink > 1) {
            // Which name is the inode's is known when all have been seen.
            Group& group = groups_[{disk.status.st_dev, disk.status.st_ino}];
            group.names.push_back({file.path, old});
            group.moved = group.moved || around.moved;
        } else {
            const Name name{file.path, old};
            decide(file, {disk, around.moved}, std::span(&name, 1));
        }
    }

    void visit_directory(const HeldName& file, DiskInode disk, const Node* old, Surroundings around) {
        if (around.depth >= max_depth) {
            throw Error(ErrorKind::limit, fmt::format("path {}… is more than {} directories deep",
                                                      gbuild::quoted(file.path.substr(0, 100)), max_depth));
        }
        const Node* old_directory = old && old->is_directory() ? old : nullptr;
        const Inode inode = settled(file, disk, old ? old->inode.get() : nullptr);
        if (!old_directory || !same_entry(inode, *old->inode)) add_inode(file.path, inode);
        around.complete = around.complete || disk.is_opaque;
        // To be renamed changes a directory's own ctime and of nothing in it.
        around.moved = around.moved || !is_before(disk.status.st_ctim, request_.changed_since);
        const std::vector<std::string> names = sorted_names(disk.held.fd(), file.path);
        if (around.complete && old_directory) add_missing(file.path, names, *old_directory);
        ++around.depth;
        for (const std::string& name : names) {
            const Node* old_child = old_directory ? find_child(*old_directory, name) : nullptr;
            const std::string path = join_path(file.path, name);
            visit({disk.held.fd(), name, path}, old_child, around);
        }
    }

    static const Node* find_child(const Node& directory, const std::string& name) {
        const auto found = directory.children.find(name);
        return found == directory.children.end() ? nullptr : found->second.get();
    }

    void add_missing(const std::string& path, const std::vector<std::string>& names, const Node& old) {
        auto present = names.begin();
        for (const auto& [name, child] : old.children) {
            while (present != names.end() && *present < name) ++present;
            if (present == names.end() || *present != name) add_whiteout(join_path(path, name));
        }
    }

    // Files with several names.
    struct Group {
        std::vector<Name> names;
        bool moved = false;  // one of them
    };

    // A file, and whether it may have had another name.
    struct Seen {
        const DiskInode& disk;
        bool moved = false;
    };

    void decide_group(const Group& group) {
        const std::string& path = group.names.front().path;
        const auto [parent, name] = split_path(path);
        const UniqueFd directory = open_beneath(request_.directory.fd(), parent, O_PATH | O_DIRECTORY);
        const HeldName file{directory.get(), name, path};
        if (!directory) fail("open", file);
        DiskInode disk = reader_.read(file);
        if (!can_carry_user_attributes(disk.inode.type)) take_recorded_owner(group.names, disk.inode);
        decide(file, {disk, group.moved}, group.names);
    }

    // The record is of one of the names.
    void take_recorded_owner(std::span<const Name> names, Inode& inode) const {
        for (const Name& name : names) {
            const auto owner = reader_.owner_at(name.path);
            if (!owner) continue;
            inode.uid = owner->uid;
            inode.gid = owner->gid;
            return;
        }
    }

    // `file` is the first of the names, in path order.
    void decide(const HeldName& file, const Seen& seen, std::span<const Name> names) {
        const auto [inode, kept] = find_unchanged(file, seen, names);
        if (kept) {
            for (const Name& name : names) {
                if (!name.old || name.old->inode != kept->old->inode) add_link(ready_, name.path, kept->path);
            }
            return;
        }
        const Inode* source = has_contents(inode) ? find_contents(seen, names) : nullptr;
        if (has_contents(inode) && !source) {
            changed_.push_back({{EntryKind::inode, file.path, {}, inode}, seen.disk.status.st_ino});
            for (const Name& name : names.subspan(1)) {
                ChangedFile link;
                link.entry = {EntryKind::hard_link, name.path, file.path, {}};
                changed_.push_back(std::move(link));
            }
            return;
        }
        Inode known = inode;
        if (source) known.content = source->content;
        if (names.size() == 1 && names.front().old &&
            is_changed_alike(file.path, known, names.front().old->inode.get())) {
            return;
        }
        add_inode(file.path, known);
        for (const Name& name : names.subspan(1)) add_link(ready_, name.path, file.path);
    }

    // overlayfs gives every name of a lower layer's file that is written to a file of its own. Those that were one file
    // and have become the same go on as one.
    bool is_changed_alike(const std::string& path, const Inode& inode, const Inode* old) {
        const auto [first, added] = changed_from_.try_emplace(old, ready_.size());
        if (added || ready_[first->second].inode != inode) return false;
        add_link(ready_, path, ready_[first->second].path);
        return true;
    }

    struct Unchanged {
        Inode inode;                 // as the image will have it, without contents
        const Name* name = nullptr;  // where `before` has just this one
    };

    Unchanged find_unchanged(const HeldName& file, const Seen& seen, std::span<const Name> names) {
        const DiskInode& disk = seen.disk;
        // The mtime of any of the old files is as good as the others.
        const Inode* model = names.front().old ? names.front().old->inode.get() : nullptr;
        for (const Name& name : names) {
            if (!name.old || image_time(name.old->inode->mtime) != image_time(disk.inode.mtime)) continue;
            model = name.old->inode.get();
            break;
        }
        Unchanged result{settled(file, disk, model)};
        for (const Name& name : names) {
            if (!name.old || !same_entry(result.inode, *name.old->inode)) continue;
            if (has_contents(disk.inode) && !same_contents(seen, *name.old->inode, file.path)) continue;
            if (request_.form == DirectoryForm::whole && !claimed_.insert(name.old->inode.get()).second) continue;
            result.name = &name;
            break;
        }
        return result;
    }

    // A file of `before`, of those that were under the names, with the same contents.
    const Inode* find_contents(const Seen& seen, std::span<const Name> names) {
        for (const Name& name : names) {
            if (name.old && same_contents(seen, *name.old->inode, name.path)) return name.old->inode.get();
        }
        return nullptr;
    }

    bool same_contents(const Seen& seen, const Inode& old, const std::string& path) {
        const DiskInode& disk = seen.disk;
        if (old.type != FileType::regular || old.size != disk.inode.size) return false;
        // Nobody can set a ctime but the kernel. What lies in an upper layer was written there meanwhile.
        if (!seen.moved && is_before(disk.status.st_ctim, request_.changed_since)) return true;
        const std::pair key(disk.status.st_ino, &old);
        if (last_comparison_ != key) {
            last_result_ = comparison_.same_contents(disk.held.fd(), old, path);
            last_comparison_ = key;
        }
        return last_result_;
    }

    // The inode with the mtime that it will have in the image, and has on disk afterwards.
    Inode settled(const HeldName& file, const DiskInode& disk, const Inode* old) {
        Inode inode = disk.inode;
        const bool kept = old && image_time(old->mtime) == image_time(inode.mtime);
        inode.mtime = kept ? old->mtime : image_time(std::min(inode.mtime, request_.epoch));
        if (old && old->type == inode.type && !can_carry_user_attributes(inode.type)) {
            keep_invisible_attributes(inode, *old);
        }
        const timespec on_disk = disk.status.st_mtim;
        if (on_disk.tv_sec == inode.mtime && on_disk.tv_nsec == 0) return inode;
        const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, timespec{inode.mtime, 0}};
        if (::utimensat(file.directory, file.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
            fail("set the mtime of", file);
        }
        return inode;
    }

    // Privileged attributes of what cannot even carry them under another name.
    static void keep_invisible_attributes(Inode& inode, const Inode& old) {
        for (const tree::Xattr& xattr : old.xattrs) {
            const auto same_name = [&](const auto& other) { return other.name == xattr.name; };
            if (!is_privileged(xattr.name) || std::any_of(inode.xattrs.begin(), inode.xattrs.end(), same_name))
                continue;
            inode.xattrs.push_back(xattr);
        }
        std::sort(inode.xattrs.begin(), inode.xattrs.end());
    }

    void add_inode(const std::string& path, Inode inode) {
        ready_.push_back({EntryKind::inode, path, {}, std::move(inode)});
    }
    void add_whiteout(const std::string& path) { ready_.push_back({EntryKind::whiteout, path, {}, {}}); }
    static void add_link(tree::LayerTree& layer, const std::string& path, const std::string& target) {
        layer.push_back({EntryKind::hard_link, path, target, {}});
    }

    const SnapshotRequest& request_;
    DiskReader reader_;
    Comparison comparison_;
    std::map<std::pair<dev_t, ino_t>, Group> groups_;
    std::unordered_set<const Inode*> claimed_;  // each file of `before` is one file on disk
    tree::LayerTree ready_;
    std::unordered_map<const Inode*, size_t> changed_from_;  // file of `before` → the first entry made of it
    std::vector<ChangedFile> changed_;
    std::pair<ino_t, const Inode*> last_comparison_ = {0, nullptr};
    bool last_result_ = false;
};

}  // namespace

Snapshot take_snapshot(const SnapshotRequest& request) {
    if (request.ownership == Ownership::ignore) {
        throw Error(ErrorKind::internal, "owners that were ignored cannot be read back");
    }
    return SnapshotTaker(request).take();
}

}  // namespace gbuild::layer
