#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "attribute_names.h"
#include "disk_inode.h"
#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/base/text.h"
#include "gbuild/layer/directory.h"
#include "overlay_layer.h"

namespace gbuild::layer {
namespace {

std::optional<struct stat> find_status(const HeldName& file) {
    struct stat status {};
    if (::fstatat(file.directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
    if (errno == ENOENT) return std::nullopt;
    fail("read", file);
}

void remove(const HeldName& file) { remove_entry(file.directory, file.name); }

void check(int error_number, const HeldName& file) {
    if (error_number != 0) {
        throw system_error(error_number, fmt::format("cannot set the attributes of {}", gbuild::quoted(file.path)));
    }
}

// What is no attribute of the file's own: overlayfs's notes about a layer, and the host's labels.
bool stays(const std::string& name) { return name.starts_with(overlay_attributes) || is_label(name); }

void copy_xattrs(const HeldFile& from, const HeldFile& to, const HeldName& file) {
    const auto wanted = from.xattrs(file.path);
    const auto present = to.xattrs(file.path);
    for (const tree::Xattr& xattr : present) {
        if (stays(xattr.name)) continue;
        const auto same_name = [&](const auto& other) { return other.name == xattr.name; };
        if (std::none_of(wanted.begin(), wanted.end(), same_name)) check(to.remove_xattr(xattr.name), file);
    }
    for (const tree::Xattr& xattr : wanted) {
        if (stays(xattr.name)) continue;
        if (std::find(present.begin(), present.end(), xattr) == present.end()) {
            check(to.set_xattr(xattr.name, xattr.value), file);
        }
    }
}

struct stat status_of(const HeldFile& held, const HeldName& file) {
    struct stat status {};
    if (::fstat(held.fd(), &status) != 0) fail("read", file);
    return status;
}

// `to` is a directory.
void copy_attributes(const HeldFile& from, const struct stat& status, const HeldFile& to, const HeldName& file) {
    if (::fchown(to.fd(), status.st_uid, status.st_gid) != 0) check(errno, file);
    copy_xattrs(from, to, file);
    check(to.set_mode(status.st_mode & 07777), file);
    const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, status.st_mtim};
    if (::futimens(to.fd(), times.data()) != 0) check(errno, file);
}

// Whether the layers below show through a directory of the lower layer. In one that hides them, or that they do not
// have, a whiteout hides nothing and would be listed as a name.
enum class Shows { below, itself };

class Merger {
  public:
    void merge_directories(const HeldName& upper_file, const HeldName& lower_file, Shows shows) {
        const HeldFile upper = hold(upper_file, S_IFDIR);
        const HeldFile lower = hold(lower_file, S_IFDIR);
        // Before names move out of it, which changes its mtime.
        const struct stat status = status_of(upper, upper_file);
        if (is_opaque(lower)) shows = Shows::itself;
        for (const std::string& name : sorted_names(upper.fd(), upper_file.path)) {
            const std::string path = join_path(upper_file.path, name);
            merge({upper.fd(), name, path}, {lower.fd(), name, path}, shows);
        }
        copy_attributes(upper, status, lower, upper_file);
    }

  private:
    void merge(const HeldName& upper, const HeldName& lower, Shows shows) {
        const auto status = find_status(upper);
        if (!status) return;
        const auto present = find_status(lower);
        if (S_ISDIR(status->st_mode)) {
            merge_directory(upper, lower, present, shows);
        } else if (is_whiteout(*status)) {
            if (present) remove(lower);
            if (shows == Shows::below) {
                move(upper, lower);
            } else {
                remove(upper);
            }
        } else {
            if (present && S_ISDIR(present->st_mode)) remove(lower);
            move(upper, lower);
        }
    }

    void merge_directory(const HeldName& upper, const HeldName& lower, const std::optional<struct stat>& present,
                         Shows shows) {
        const HeldFile held = hold(upper, S_IFDIR);
        if (!present) {
            mark_new_directories(held, upper);
        } else {
            if (S_ISDIR(present->st_mode) && !is_opaque(held)) {
                merge_directories(upper, lower, shows);
                if (::unlinkat(upper.directory, upper.name.c_str(), AT_REMOVEDIR) != 0) fail("remove", upper);
                return;
            }
            // What the lower layer has there hid those below.
            make_opaque(held, upper);
            remove(lower);
        }
        move(upper, lower);
    }

    // A directory that a command made would pass for one that the layers below have. overlayfs marks it as opaque by
    // itself or not, depending on its version and options, but always notes where a copy came from.
    void mark_new_directories(const HeldFile& directory, const HeldName& file) {
        if (is_opaque(directory)) return;
        if (!is_copy(directory)) return make_opaque(directory, file);
        for (const std::string& name : sorted_names(directory.fd(), file.path)) {
            const std::string path = join_path(file.path, name);
            const HeldName child{directory.fd(), name, path};
            const auto status = find_status(child);
            if (status && S_ISDIR(status->st_mode)) mark_new_directories(hold(child, S_IFDIR), child);
        }
    }

    void move(const HeldName& upper, const HeldName& lower) {
        if (::renameat(upper.directory, upper.name.c_str(), lower.directory, lower.name.c_str()) != 0) {
            fail("move", upper);
        }
    }
};

}  // namespace

void merge_down(const RootedDir& upper, const RootedDir& lower) {
    const std::string here = ".";
    const std::string root;
    Merger().merge_directories({upper.fd(), here, root}, {lower.fd(), here, root}, Shows::below);
}

}  // namespace gbuild::layer
