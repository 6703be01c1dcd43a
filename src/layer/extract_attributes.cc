#include "extract_attributes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "attribute_names.h"
#include "gbuild/base/error.h"
#include "gbuild/base/recorded_owner.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

[[noreturn]] void fail_to_set(std::string_view what, const HeldName& file, int error_number) {
    throw system_error(error_number, fmt::format("cannot set the {} of {}", what, gbuild::quoted(file.path)));
}

// Whether the file system itself is full: ext4 says ENOSPC of a value that it has no room for beside the inode, too.
bool is_full(int directory) {
    struct statvfs state {};
    return ::fstatvfs(directory, &state) != 0 || state.f_bavail == 0;
}

bool carries_user_attributes(const tree::Inode& inode, const ExtractOptions& options) {
    const bool device = inode.type == tree::FileType::char_device || inode.type == tree::FileType::block_device;
    return inode.type == tree::FileType::regular || inode.is_directory() ||
           (device && options.ownership == Ownership::record);
}

// An attribute of ours, without which the directory is wrong.
void record(const HeldFile& held, const HeldName& file, const char* name, const std::string& value) {
    if (const int error = held.set_xattr(name, value)) {
        throw system_error(
            error, fmt::format("cannot record the owner of {} in an extended attribute", gbuild::quoted(file.path)))
            .hint("the file system must hold user.* attributes (ext4, XFS, Btrfs; tmpfs from Linux 6.6 on)");
    }
}

void set_owner(const HeldFile& held, const HeldName& file, const tree::Inode& inode, const ExtractOptions& options) {
    if (options.ownership == Ownership::record) {
        if (carries_user_attributes(inode, options) && (inode.uid != 0 || inode.gid != 0)) {
            record(held, file, owner_attribute, encode(RecordedOwner{inode.uid, inode.gid}));
        }
    } else if (options.ownership == Ownership::apply) {
        if (::fchownat(held.fd(), "", inode.uid, inode.gid, AT_EMPTY_PATH) == 0) return;
        if (errno != EINVAL) fail_to_set("owner", file, errno);
        throw Error(ErrorKind::unsupported, fmt::format("{} belongs to {}:{}, which is not in the user's ranges of ids",
                                                        gbuild::quoted(file.path), inode.uid, inode.gid))
            .hint("have larger ranges in /etc/subuid and /etc/subgid, or build with --isolation=single, which needs "
                  "none");
    }
}

// 0 or an errno.
int set_xattr(const HeldFile& held, const tree::Inode& inode, const tree::Xattr& xattr, const ExtractOptions& options) {
    const bool can_be_recorded =
        is_for_commands(options) && is_privileged(xattr.name) && carries_user_attributes(inode, options);
    // Commands with one id are shown what is recorded, which is never a capability: the kernel lets them set that.
    const bool shown = options.ownership == Ownership::record && xattr.name != "security.capability";
    if (!can_be_recorded || !shown) {
        const int error = held.set_xattr(xattr.name, xattr.value);
        const bool refused = error == EPERM || error == EACCES || error == ENOTSUP;
        if (!refused || !can_be_recorded) return error;
    }
    return held.set_xattr(std::string(recorded_attribute_prefix) + xattr.name, xattr.value);
}

void set_xattrs(const HeldFile& held, const HeldName& file, const tree::Inode& inode, const ExtractOptions& options,
                ExtractSummary& summary) {
    for (const tree::Xattr& xattr : inode.xattrs) {
        if (options.ownership == Ownership::ignore && is_privileged(xattr.name)) {
            // A capability would lend more than a setuid bit; labels and what trusted processes note mean this machine.
            summary.skipped.push_back(
                fmt::format("{}: extended attribute {} needs the file's true owner", file.path, xattr.name));
            continue;
        }
        const bool reserved = is_for_commands(options) && is_reserved(xattr.name);
        const int error = reserved ? EPERM : set_xattr(held, inode, xattr, options);
        if (error == 0) continue;
        const bool fatal = error == EDQUOT || error == EIO || (error == ENOSPC && is_full(file.directory));
        if (fatal) fail_to_set("extended attributes", file, error);
        summary.skipped.push_back(fmt::format("{}: extended attribute {}: {}", file.path, xattr.name,
                                              std::generic_category().message(error)));
    }
}

void set_mode(const HeldFile& held, const HeldName& file, const tree::Inode& inode, const ExtractOptions& options,
              ExtractSummary& summary) {
    mode_t mode = inode.mode;
    constexpr mode_t privileged = S_ISUID | S_ISGID;
    if (options.ownership == Ownership::ignore && inode.type == tree::FileType::regular && (mode & privileged) != 0) {
        // The bits would lend the extracting user's identity, not the one that the image means.
        mode &= ~privileged;
        summary.skipped.push_back(fmt::format("{}: setuid and setgid bits need the file's true owner", file.path));
    }
    if (const int error = held.set_mode(mode)) fail_to_set("mode", file, error);
}

}  // namespace

bool is_for_commands(const ExtractOptions& options) {
    return options.ownership == Ownership::record || options.device_placeholders;
}

void set_attributes(const HeldFile& held, const HeldName& file, const tree::Inode& inode, const ExtractOptions& options,
                    ExtractSummary& summary) {
    // chown(2) clears setuid bits and security.capability: it comes first.
    set_owner(held, file, inode, options);
    set_xattrs(held, file, inode, options, summary);
    if (inode.type != tree::FileType::symlink) set_mode(held, file, inode, options, summary);
    const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, timespec{inode.mtime, 0}};
    // AT_EMPTY_PATH is new in Linux 5.8 for times; the name is still in our directory.
    if (::utimensat(file.directory, file.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        fail_to_set("mtime", file, errno);
    }
}

void replace_attributes(const HeldFile& held, const HeldName& file, const tree::Inode& inode,
                        const ExtractOptions& options, ExtractSummary& summary) {
    for (const tree::Xattr& xattr : held.xattrs(file.path)) {
        if (xattr.name.starts_with(overlay_attributes) || is_label(xattr.name)) continue;
        if (const int error = held.remove_xattr(xattr.name)) fail_to_set("extended attributes", file, error);
    }
    set_attributes(held, file, inode, options, summary);
}

}  // namespace gbuild::layer
