#include "disk_inode.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "attribute_names.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "overlay_layer.h"

namespace gbuild::layer {
namespace {

using tree::FileType;

const std::string* find(const std::vector<tree::Xattr>& xattrs, std::string_view name) {
    const auto found =
        std::find_if(xattrs.begin(), xattrs.end(), [&](const auto& xattr) { return xattr.name == name; });
    return found == xattrs.end() ? nullptr : &found->value;
}

struct stat status_of(const HeldName& file) {
    struct stat status {};
    if (::fstatat(file.directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) fail("read", file);
    return status;
}

std::string read_target(const HeldName& file, const struct stat& status) {
    // One more than it should be, to see that nothing is cut off. Some file systems say 0.
    std::string target(std::max<size_t>(static_cast<size_t>(status.st_size), 4096) + 1, '\0');
    const ssize_t length = ::readlinkat(file.directory, file.name.c_str(), target.data(), target.size());
    if (length < 0) fail("read", file);
    target.resize(static_cast<size_t>(length));
    return target;
}

void check_device(const HeldName& file, const tree::Inode& inode) {
    constexpr uint32_t max_major = (1 << 12) - 1;
    constexpr uint32_t max_minor = (1 << 20) - 1;
    if (inode.device_major <= max_major && inode.device_minor <= max_minor) return;
    throw Error(ErrorKind::limit, fmt::format("{}: device {}:{}", gbuild::quoted("/" + file.path), inode.device_major,
                                              inode.device_minor))
        .hint(fmt::format("squashfs holds device numbers up to {}:{}", max_major, max_minor));
}

NodeKey key_of(const HeldName& file) {
    struct statx status {};
    if (::statx(file.directory, file.name.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) != 0) {
        fail("read", file);
    }
    // A file system without birth times has none for whoever made the record, either.
    if ((status.stx_mask & STATX_BTIME) == 0) return {status.stx_ino, 0, 0};
    return {status.stx_ino, status.stx_btime.tv_sec, status.stx_btime.tv_nsec};
}

[[noreturn]] void fail_damaged(std::string_view what, const HeldName& file) {
    throw Error(ErrorKind::integrity, fmt::format("the {} recorded of {} is damaged", what, gbuild::quoted(file.path)));
}

bool is_device(FileType type) { return type == FileType::char_device || type == FileType::block_device; }

}  // namespace

DiskReader::DiskReader(const SnapshotRequest& request) : form_(request.form), ownership_(request.ownership) {
    if (ownership_ != Ownership::record) return;
    for (const NodeRecord& record : request.records) records_.insert_or_assign(record.key, record.owner);
    for (const PathRecord& record : request.path_records) path_records_.insert_or_assign(record.path, record.owner);
}

DiskInode DiskReader::read(const HeldName& file) const {
    const struct stat status = status_of(file);
    DiskInode disk{hold(file, status.st_mode), status, {}};
    tree::Inode& inode = disk.inode;
    inode.type = tree::file_type(status.st_mode);
    inode.mode = status.st_mode & 07777;
    inode.mtime = status.st_mtim.tv_sec;
    if (inode.type == FileType::regular) inode.size = static_cast<uint64_t>(status.st_size);
    if (inode.type == FileType::symlink) inode.target = read_target(file, status);
    disk.is_whiteout = form_ == DirectoryForm::overlay && is_whiteout(status);
    if (!disk.is_whiteout) read_attributes(file, disk);
    return disk;
}

void DiskReader::read_attributes(const HeldName& file, DiskInode& disk) const {
    std::vector<tree::Xattr> on_disk = disk.held.xattrs(file.path);
    tree::Inode& inode = disk.inode;
    if (form_ == DirectoryForm::overlay && inode.is_directory()) {
        // "x" says that whiteouts may be regular files, and hides nothing.
        const std::string* opaque = find(on_disk, opaque_attribute);
        disk.is_opaque = opaque != nullptr && *opaque == "y";
    }
    read_device(file, on_disk, disk);
    const RecordedOwner owner = owner_of(file, on_disk, disk);
    inode.uid = owner.uid;
    inode.gid = owner.gid;
    inode.xattrs = image_attributes(std::move(on_disk));
}

void DiskReader::read_device(const HeldName& file, const std::vector<tree::Xattr>& on_disk, DiskInode& disk) const {
    tree::Inode& inode = disk.inode;
    if (is_device(inode.type)) {
        inode.device_major = major(disk.status.st_rdev);
        inode.device_minor = minor(disk.status.st_rdev);
    } else if (const std::string* value = find(on_disk, device_attribute); value && inode.type == FileType::regular) {
        const auto device = parse_recorded_device(*value);
        if (!device) fail_damaged("device", file);
        inode.type = device->block ? FileType::block_device : FileType::char_device;
        inode.device_major = device->major;
        inode.device_minor = device->minor;
        inode.size = 0;
    }
    if (is_device(inode.type)) check_device(file, inode);
}

RecordedOwner DiskReader::owner_of(const HeldName& file, const std::vector<tree::Xattr>& on_disk,
                                   const DiskInode& disk) const {
    if (ownership_ != Ownership::record) return {disk.status.st_uid, disk.status.st_gid};
    if (!S_ISREG(disk.status.st_mode) && !S_ISDIR(disk.status.st_mode)) return look_up(file);
    const std::string* value = find(on_disk, owner_attribute);
    if (!value) return {};
    const auto owner = parse_recorded_owner(*value);
    if (!owner) fail_damaged("owner", file);
    return *owner;
}

std::optional<RecordedOwner> DiskReader::owner_at(const std::string& path) const {
    const auto found = path_records_.find(path);
    return found == path_records_.end() ? std::nullopt : std::optional(found->second);
}

RecordedOwner DiskReader::look_up(const HeldName& file) const {
    if (const auto owner = owner_at(file.path)) return *owner;
    if (records_.empty()) return {};
    const auto found = records_.find(key_of(file));
    return found == records_.end() ? RecordedOwner() : found->second;
}

}  // namespace gbuild::layer
