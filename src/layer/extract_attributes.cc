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
#include "gbuild/base/recorded_owner.h"
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

// What a process of one id may not set is recorded under a name that it may.
std::string name_on_disk(const std::string& name, Ownership ownership) {
    const bool refused =
        name.starts_with("trusted.") || (name.starts_with("security.") && name != "security.capability");
    return ownership == Ownership::record && refused ? std::string(recorded_attribute_prefix) + name : name;
}

void set_xattrs(const std::string& held, const HeldName& file, const tree::Inode& inode, Ownership ownership,
                ExtractSummary& summary) {
    for (const tree::Xattr& xattr : inode.xattrs) {
        const std::string name = name_on_disk(xattr.name, ownership);
        if (::setxattr(held.c_str(), name.c_str(), xattr.value.data(), xattr.value.size(), 0) == 0) continue;
        const int error_number = errno;
        const bool fatal =
            error_number == EDQUOT || error_number == EIO || (error_number == ENOSPC && is_full(file.directory));
        errno = error_number;
        if (fatal) fail("extended attributes", file);
        summary.skipped.push_back(fmt::format("{}: extended attribute {}: {}", file.path, xattr.name,
                                              std::generic_category().message(error_number)));
    }
}

// Symbolic links, FIFOs and sockets cannot carry the record.
void record_owner(const std::string& held, const HeldName& file, const tree::Inode& inode) {
    using tree::FileType;
    if (inode.type == FileType::symlink || inode.type == FileType::fifo || inode.type == FileType::socket) return;
    if (inode.uid == 0 && inode.gid == 0) return;
    const std::string value = encode(RecordedOwner{inode.uid, inode.gid});
    if (::setxattr(held.c_str(), owner_attribute, value.data(), value.size(), 0) != 0) fail("recorded owner", file);
}

void apply_owner(int held, const HeldName& file, const tree::Inode& inode) {
    if (::fchownat(held, "", inode.uid, inode.gid, AT_EMPTY_PATH) == 0) return;
    if (errno != EINVAL) fail("owner", file);
    throw Error(ErrorKind::unsupported, fmt::format("{} belongs to {}:{}, which is not in the user's ranges of ids",
                                                    gbuild::quoted(file.path), inode.uid, inode.gid))
        .hint("have larger ranges in /etc/subuid and /etc/subgid, or build with --isolation=single, which needs none");
}

void set_mode(const std::string& held, const HeldName& file, const tree::Inode& inode, Ownership ownership,
              ExtractSummary& summary) {
    mode_t mode = inode.mode;
    constexpr mode_t privileged = S_ISUID | S_ISGID;
    if (ownership == Ownership::ignore && inode.type == tree::FileType::regular && (mode & privileged) != 0) {
        // The bits would lend the extracting user's identity, not the one that the image means.
        mode &= ~privileged;
        summary.skipped.push_back(fmt::format("{}: setuid and setgid bits need the file's true owner", file.path));
    }
    if (::chmod(held.c_str(), mode) != 0) fail("mode", file);
}

}  // namespace

void set_attributes(const HeldName& file, const tree::Inode& inode, Ownership ownership, ExtractSummary& summary) {
    const UniqueFd held(::openat(file.directory, file.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!held) throw_errno(fmt::format("cannot open {}", gbuild::quoted(file.path)));
    struct stat status {};
    if (::fstat(held.get(), &status) != 0) fail("attributes", file);
    const bool placeholder = S_ISREG(status.st_mode) &&
                             (inode.type == tree::FileType::char_device || inode.type == tree::FileType::block_device);
    if ((status.st_mode & S_IFMT) != tree::format_bits(inode.type) && !placeholder) {
        throw Error(ErrorKind::conflict,
                    fmt::format("{} was replaced while it was written", gbuild::quoted(file.path)));
    }
    // There is no fsetxattr for O_PATH descriptors, and no lsetxattr relative to a directory.
    const std::string by_descriptor = fmt::format("/proc/self/fd/{}", held.get());
    // chown(2) clears setuid bits and security.capability: it comes first.
    if (ownership == Ownership::apply) apply_owner(held.get(), file, inode);
    if (ownership == Ownership::record) record_owner(by_descriptor, file, inode);
    set_xattrs(by_descriptor, file, inode, ownership, summary);
    if (inode.type != tree::FileType::symlink) set_mode(by_descriptor, file, inode, ownership, summary);
    const std::array<timespec, 2> times = {timespec{0, UTIME_OMIT}, timespec{inode.mtime, 0}};
    // AT_EMPTY_PATH is new in Linux 5.8 for times; the name is still in our directory.
    if (::utimensat(file.directory, file.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) fail("mtime", file);
}

}  // namespace gbuild::layer
