#include "gbuild/layer/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "sparse_writer.h"

namespace gbuild::layer {

namespace {

constexpr size_t unpack_run_size = size_t{256} * 1024;

class Unpacker {
  public:
    Unpacker(tree::EntryStream& entries, const RootedDir& root) : entries_(entries), root_(root) {}

    std::vector<std::string> run(const std::stop_token& stop) {
        tree::LayerEntry entry;
        while (entries_.next(entry)) {
            if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
            if (entry.path.empty()) continue;
            if (has_capability(entry)) capabilities_.push_back(entry.path);
            with_context([&] { return fmt::format("unpacking {}", quoted(entry.path)); }, [&] { write(entry); });
        }
        set_directory_modes();
        return std::move(capabilities_);
    }

  private:
    static bool has_capability(const tree::LayerEntry& entry) {
        const auto& xattrs = entry.inode.xattrs;
        return entry.kind == tree::EntryKind::inode &&
               std::any_of(xattrs.begin(), xattrs.end(),
                           [](const tree::Xattr& xattr) { return xattr.name == "security.capability"; });
    }

    void write(const tree::LayerEntry& entry) {
        make_parents(entry.path);
        if (entry.kind == tree::EntryKind::hard_link) return link(entry);
        if (entry.inode.is_directory()) return make_directory(entry);
        const RootedDir::Parent place = free_place(entry.path);
        switch (entry.inode.type) {
        case tree::FileType::regular: return write_file(place, entry.inode);
        case tree::FileType::symlink:
            if (::symlinkat(entry.inode.target.c_str(), place.directory.get(), place.name.c_str()) != 0) {
                throw_errno("cannot make the symbolic link");
            }
            return;
        case tree::FileType::fifo:
            if (::mkfifoat(place.directory.get(), place.name.c_str(), 0600) != 0 ||
                ::fchmodat(place.directory.get(), place.name.c_str(), entry.inode.mode, 0) != 0) {
                throw_errno("cannot make the FIFO");
            }
            return;
        default:
            throw Error(ErrorKind::unsupported, "a build context cannot have device nodes")
                .hint("leave it out of the archive");
        }
    }

    void make_parents(const std::string& path) {
        for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            const std::string parent = path.substr(0, slash);
            if (root_.try_open(parent, O_PATH | O_DIRECTORY)) continue;
            // What stands there is no directory, or a symbolic link that leads to none: the archive wants one.
            tree::LayerEntry made;
            made.path = parent;
            make_directory(made);
        }
    }

    // Directories are entered until the end, whatever their modes.
    void make_directory(const tree::LayerEntry& entry) {
        const auto there = root_.lstat(entry.path);
        const bool is_new = !there || !S_ISDIR(there->st_mode);
        const RootedDir::Parent place = is_new ? free_place(entry.path) : root_.open_parent(entry.path);
        const std::string path = path_in(place);
        if (is_new) {
            if (::mkdirat(place.directory.get(), place.name.c_str(), 0700) != 0) {
                throw_errno("cannot make the directory");
            }
            paths_[identity_of(place.directory.get(), place.name)] = path;
        }
        modes_[path] = entry.inode.mode;
    }

    // Where `path` can be made: nothing is there any more.
    RootedDir::Parent free_place(const std::string& path) {
        RootedDir::Parent place = root_.open_parent(path);
        struct stat st;
        if (::fstatat(place.directory.get(), place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
            UniqueFd directory = readable(place.directory);
            remove_entry(directory.get(), place.name);
            forget_modes(path_in(place));
        }
        return place;
    }

    using Identity = std::pair<dev_t, ino_t>;
    static Identity identity_of(int directory, const std::string& name) {
        struct stat st;
        const int flags = name.empty() ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
        if (::fstatat(directory, name.c_str(), &st, flags) != 0) throw_errno("cannot stat the directory");
        return {st.st_dev, st.st_ino};
    }

    // The path without symbolic links in it. All directories here are our own, but for the root.
    std::string path_in(const RootedDir::Parent& place) const {
        const auto parent = paths_.find(identity_of(place.directory.get(), ""));
        return parent == paths_.end() ? place.name : parent->second + "/" + place.name;
    }

    static UniqueFd readable(const UniqueFd& directory) {
        return open_file_at(directory.get(), ".", O_RDONLY | O_DIRECTORY);
    }

    void forget_modes(const std::string& path) {
        modes_.erase(path);
        const std::string below = path + "/";
        auto first = modes_.lower_bound(below);
        while (first != modes_.end() && first->first.starts_with(below)) first = modes_.erase(first);
    }

    // By way of symbolic links, two paths may name one.
    static bool is_same_place(const RootedDir::Parent& a, const RootedDir::Parent& b) {
        return a.name == b.name && identity_of(a.directory.get(), "") == identity_of(b.directory.get(), "");
    }

    void link(const tree::LayerEntry& entry) {
        const auto target = root_.lstat(entry.target);
        if (!target || S_ISDIR(target->st_mode)) {
            throw Error(ErrorKind::integrity,
                        fmt::format("it is a hard link to {}, which is no file of the archive", quoted(entry.target)));
        }
        const RootedDir::Parent from = root_.open_parent(entry.target);
        if (is_same_place(from, root_.open_parent(entry.path))) return;
        const RootedDir::Parent to = free_place(entry.path);
        if (::linkat(from.directory.get(), from.name.c_str(), to.directory.get(), to.name.c_str(), 0) != 0) {
            throw_errno("cannot make the hard link");
        }
    }

    void write_file(const RootedDir::Parent& place, const tree::Inode& inode) {
        const UniqueFd file =
            open_file_at(place.directory.get(), place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        SparseWriter writer(file.get());
        while (writer.written() < inode.size) writer.write(next_run(inode.size - writer.written()));
        if (writer.ends_in_hole() && ::ftruncate(file.get(), static_cast<off_t>(inode.size)) != 0) {
            throw_errno("cannot set the file's size");
        }
        if (::fchmod(file.get(), inode.mode) != 0) throw_errno("cannot set the file's mode");
    }

    ContentRun next_run(uint64_t left) {
        if (const uint64_t zeros = entries_.zeros(); zeros > 0) {
            entries_.skip_zeros(zeros);
            return ContentRun::hole(zeros);
        }
        const std::span run(buffer_.get(), static_cast<size_t>(std::min<uint64_t>(left, unpack_run_size)));
        entries_.read(run);
        return std::span<const std::byte>(run);
    }

    // What is deepest first: a directory above may be one that cannot be entered afterwards.
    void set_directory_modes() {
        for (auto at = modes_.rbegin(); at != modes_.rend(); ++at) {
            const RootedDir::Parent place = root_.open_parent(at->first);
            const UniqueFd directory =
                open_file_at(place.directory.get(), place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            if (::fchmod(directory.get(), at->second) != 0) {
                throw_errno(fmt::format("cannot set the mode of {}", quoted(at->first)));
            }
        }
    }

    tree::EntryStream& entries_;
    const RootedDir& root_;
    std::map<std::string, uint16_t> modes_;  // of directories, by their paths without symbolic links
    std::map<Identity, std::string> paths_;  // of directories, likewise
    std::vector<std::string> capabilities_;  // names of files that lose one
    std::unique_ptr<std::byte[]> buffer_ = std::make_unique<std::byte[]>(unpack_run_size);
};

}  // namespace

std::vector<std::string> unpack(tree::EntryStream& entries, const RootedDir& root, const std::stop_token& stop) {
    return Unpacker(entries, root).run(stop);
}

}  // namespace gbuild::layer
