#include "extract_attributes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

[[noreturn]] void fail(std::string_view what, const HeldName& file) {
    throw_errno(fmt::format("cannot set the {} of {}", what, gbuild::quoted(file.path)));
}

// Whether the file system itself is full: ext4 says ENOSPC of a value that it has no room for beside the inode, too.
bool is_full(int directory) {
    struct statvfs state {};
    return ::fstatvfs(directory, &state) != 0 || state.f_bavail == 0;
}

void set_xattrs(int held, const HeldName& file, const tree::Inode& inode, ExtractSummary& summary) {
    // There is no fsetxattr for O_PATH descriptors, and no lsetxattr relative to a directory.
    const std::string by_descriptor = fmt::format("/proc/self/fd/{}", held);
    for (const tree::Xattr& xattr : inode.xattrs) {
        if (::setxattr(by_descriptor.c_str(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) == 0) {
            continue;
        }
        const int error_number = errno;
        const bool fatal =
            error_number == EDQUOT || error_number == EIO || (error_number == ENOSPC && is_full(file.directory));
        errno = error_number;
        if (fatal) fail("extended attributes", file);
        summary.skipped.push_back(fmt::format("{}: extended attribute {}: {}", file.path, xattr.name,
                                              std::generic_category().message(error_number)));
    }
}

void set_mode(int held, const HeldName& file, const tree::Inode& inode, Ownership ownership, ExtractSummary& summary) {
    mode_t mode = inode.mode;
    constexpr mode_t privileged = S_ISUID | S_ISGID;
    if (ownership == Ownership::ignore && inode.type == tree::FileType::regular && (mode & privileged) != 0) {
        // The bits would lend the extracting user's identity, not the one that the image means.
        mode &= ~privileged;
        summary.skipped.push_back(fmt::format("{}: setuid and setgid bits need the file's true owner", file.path));
    }
    const std::string by_descriptor = fmt::format("/proc/self/fd/{}", held);
    if (::chmod(by_descriptor.c_str(), mode) != 0) fail("mode", file);
}

}  // namespace

void set_attributes(const HeldName& file, const tree::Inode& inode, Ownership ownership, ExtractSummary& summary) {
    const UniqueFd held(::openat(file.directory, file.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!held) throw_errno(fmt::format("cannot open {}", gbuild::quoted(file.path)));
    struct stat status {};
    if (::fstat(held.get(), &status) != 0) fail("attributes", file);
    if ((status.st_mode & S_IFMT) != tree::format_bits(inode.type)) {
        throw Error(ErrorKind::conflict,
                    fmt::format("{} was replaced while it was written", gbuild::quoted(file.path)));
    }
    // chown(2) clears setuid bits and security.capability: it comes first.
    if (ownership == Ownership::apply && ::fchownat(held.get(), "", inode.uid, inode.gid, AT_EMPTY_PATH) != 0) {
        fail("owner", file);
    }
    set_xattrs(held.get(), file, inode, summary);
    if (inode.type != tree::FileType::symlink) set_mode(held.get(), file, inode, ownership, summary);
    const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, timespec{inode.mtime, 0}};
    // AT_EMPTY_PATH is new in Linux 5.8 for times; the name is still in our directory.
    if (::utimensat(file.directory, file.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) fail("mtime", file);
}

}  // namespace gbuild::layer
