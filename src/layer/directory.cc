#include "gbuild/layer/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "disk_inode.h"
#include "extractor.h"
#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {

namespace {

using tree::Node;

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

std::optional<struct stat> stat_at(int directory, const std::string& name) {
    struct stat status {};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
    if (errno == ENOENT) return std::nullopt;
    throw_errno(fmt::format("cannot stat {}", quoted(name)));
}

void mark_opaque(int directory, const std::string& name) {
    const UniqueFd held = open_directory_at(directory, name, name);
    if (::fsetxattr(held.get(), opaque_attribute, "y", 1, 0) != 0) {
        throw_errno(fmt::format("cannot mark {} opaque", quoted(name)));
    }
}

void put_whiteout(int directory, const std::string& name) {
    if (::mknodat(directory, name.c_str(), S_IFCHR | 0600, makedev(0, 0)) != 0) {
        throw_errno(fmt::format("cannot make a whiteout for {}", quoted(name)));
    }
}

// All attributes but overlayfs's own.
void clear_attributes(int directory, const std::string& name, const std::string& path) {
    const UniqueFd held(::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!held) throw_errno(fmt::format("cannot open {}", quoted(path)));
    const std::string by_descriptor = fmt::format("/proc/self/fd/{}", held.get());
    for (const std::string& attribute : xattr_names(by_descriptor, path)) {
        if (attribute.starts_with(overlay_attributes)) continue;
        if (::removexattr(by_descriptor.c_str(), attribute.c_str()) != 0 && errno != ENODATA && errno != EPERM) {
            throw_errno(fmt::format("cannot remove the extended attribute {} of {}", attribute, quoted(path)));
        }
    }
}

class Difference {
  public:
    Difference(const RootedDir& directory, DirectoryForm form, const ExtractOptions& options, const Node& to) :
        directory_(directory), form_(form), options_(options), to_(to), extractor_(options, directory) {}

    void run(const Node& from) {
        compare("", from, to_);
        for (const Creation& creation : creations_) extractor_.announce(*creation.node);
        for (const std::string& path : removals_) remove(path);
        for (const Creation& creation : creations_) create(creation);
        // A layer may lack them; a name below one makes it.
        for (const std::string& path : changed_) parent_of(joined(path, "."));
        set_directory_attributes();
    }

  private:
    struct Creation {
        std::string path;
        const Node* node;
    };

    void compare(const std::string& path, const Node& from, const Node& to) {
        if (from.inode != to.inode && *from.inode != *to.inode) changed_.push_back(path);
        auto old = from.children.begin();
        auto now = to.children.begin();
        while (old != from.children.end() || now != to.children.end()) {
            const bool only_old = now == to.children.end() || (old != from.children.end() && old->first < now->first);
            const bool only_new = old == from.children.end() || (now != to.children.end() && now->first < old->first);
            if (only_old) {
                removals_.push_back(joined(path, (old++)->first));
            } else if (only_new) {
                creations_.push_back({joined(path, now->first), now->second.get()});
                ++now;
            } else {
                compare_pair(joined(path, now->first), *old->second, *now->second);
                ++old;
                ++now;
            }
        }
    }

    void compare_pair(const std::string& path, const Node& from, const Node& to) {
        if (from.is_directory() && to.is_directory()) return compare(path, from, to);
        if (from.inode == to.inode || *from.inode == *to.inode) return;
        creations_.push_back({path, &to});
    }

    // The directory above `path`, made on the way as far as a layer lacks it.
    UniqueFd parent_of(const std::string& path) {
        UniqueFd at = directory_.open("", O_RDONLY | O_DIRECTORY);
        const Node* node = &to_;
        touch("", *node);
        for (size_t start = 0, end = path.find('/'); end != std::string::npos; end = path.find('/', start)) {
            const std::string name = path.substr(start, end - start), above = path.substr(0, end);
            node = node->children.find(name)->second.get();
            if (::mkdirat(at.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
                throw_errno(fmt::format("cannot create {}", quoted(above)));
            }
            touch(above, *node);
            at = open_directory_at(at.get(), name, above);
            start = end + 1;
        }
        return at;
    }

    // What happens in a directory changes its mtime.
    void touch(const std::string& path, const Node& node) { touched_.emplace(path, &node); }

    void remove(const std::string& path) {
        const UniqueFd parent = parent_of(path);
        const std::string name = path.substr(path.rfind('/') + 1);
        remove_entry(parent.get(), name);
        if (form_ == DirectoryForm::overlay) put_whiteout(parent.get(), name);
    }

    void create(const Creation& creation) {
        const size_t slash = creation.path.rfind('/');
        const std::string name = creation.path.substr(slash + 1);
        const std::string above = slash == std::string::npos ? "" : creation.path.substr(0, slash);
        const UniqueFd parent = parent_of(creation.path);
        remove_entry(parent.get(), name);
        extractor_.extract_node(parent.get(), name, above, *creation.node);
        // Whatever the layers below have of that name is not in it.
        if (form_ == DirectoryForm::overlay && creation.node->is_directory()) mark_opaque(parent.get(), name);
    }

    // Deeper ones first: making one changed the one above.
    void set_directory_attributes() {
        for (auto entry = touched_.rbegin(); entry != touched_.rend(); ++entry) {
            const auto& [path, node] = *entry;
            const UniqueFd held = directory_.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            const std::string self = ".";
            clear_attributes(held.get(), self, path);
            ExtractSummary ignored;
            set_attributes({held.get(), self, path}, *node->inode, options_.ownership, ignored);
        }
    }

    const RootedDir& directory_;
    DirectoryForm form_;
    const ExtractOptions& options_;
    const Node& to_;
    Extractor extractor_;
    std::vector<std::string> removals_, changed_;
    std::vector<Creation> creations_;
    std::map<std::string, const Node*> touched_;  // directories to set the attributes of at the end
};

// Moves the entries of one layer's directory into another's.
class Merge {
  public:
    void directories(int upper, int lower, const std::string& path, int depth) {
        if (depth > deepest) {
            throw Error(ErrorKind::limit, fmt::format("{} lies more than {} directories deep", quoted(path), deepest));
        }
        // Before anything is moved out of it.
        struct stat status {};
        if (::fstat(upper, &status) != 0) fail(path);
        for (const std::string& name : sorted_names(upper, path)) move(upper, lower, name, joined(path, name), depth);
        take_attributes(upper, status, lower, path);
    }

  private:
    static constexpr int deepest = 2048;

    void move(int upper, int lower, const std::string& name, const std::string& path, int depth) {
        const struct stat from = *stat_at(upper, name);
        const auto to = stat_at(lower, name);
        if (S_ISDIR(from.st_mode) && to) {
            if (S_ISDIR(to->st_mode) && !is_opaque(upper, name, path)) {
                const UniqueFd inner = open_directory_at(upper, name, path);
                directories(inner.get(), open_directory_at(lower, name, path).get(), path, depth + 1);
                if (::unlinkat(upper, name.c_str(), AT_REMOVEDIR) != 0) fail(path);
                return;
            }
            // It replaced what the lower one had, and goes on hiding what is below that.
            mark_opaque(upper, name);
        }
        if (to) remove_entry(lower, name);
        if (::renameat(upper, name.c_str(), lower, name.c_str()) != 0) fail(path);
    }

    static bool is_opaque(int directory, const std::string& name, const std::string& path) {
        const UniqueFd held = open_directory_at(directory, name, path);
        const auto value = xattr_value(fmt::format("/proc/self/fd/{}", held.get()), opaque_attribute, path);
        return value == "y" || value == "x";
    }

    static void take_attributes(int upper, const struct stat& status, int lower, const std::string& path) {
        if (::fchown(lower, status.st_uid, status.st_gid) != 0) fail(path);
        clear_attributes(lower, ".", path);
        const std::string held = fmt::format("/proc/self/fd/{}", upper);
        for (const std::string& name : xattr_names(held, path)) {
            if (name.starts_with(overlay_attributes)) continue;
            const auto value = xattr_value(held, name, path);
            if (value && ::fsetxattr(lower, name.c_str(), value->data(), value->size(), 0) != 0) fail(path);
        }
        const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
        if (::fchmod(lower, status.st_mode & 07777) != 0 || ::futimens(lower, times.data()) != 0) fail(path);
    }

    [[noreturn]] static void fail(const std::string& path) {
        throw_errno(fmt::format("cannot keep {} as a step left it", quoted(path)));
    }
};

}  // namespace

void write_difference(const tree::Tree& from, const tree::Tree& to, const RootedDir& directory, DirectoryForm form,
                      const ExtractOptions& options) {
    Difference(directory, form, options, to.root()).run(from.root());
}

void merge_down(const RootedDir& upper, const RootedDir& lower) {
    const UniqueFd from = upper.open("", O_RDONLY | O_DIRECTORY), to = lower.open("", O_RDONLY | O_DIRECTORY);
    Merge().directories(from.get(), to.get(), "", 0);
}

void copy_root_attributes(const tree::Tree& tree, const RootedDir& directory, const ExtractOptions& options) {
    const UniqueFd root = directory.open("", O_RDONLY | O_DIRECTORY);
    const std::string self = ".", path = "/";
    ExtractSummary ignored;
    set_attributes({root.get(), self, path}, *tree.root().inode, options.ownership, ignored);
}

}  // namespace gbuild::layer
