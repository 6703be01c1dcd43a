#include "disk_inode.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {

namespace {

// Grows until what the kernel has fits: it may grow between two calls.
template <class Read>
std::optional<std::string> read_growing(const std::string& path, Read&& read) {
    std::string buffer(256, '\0');
    for (;;) {
        const ssize_t size = read(buffer.data(), buffer.size());
        if (size >= 0) {
            buffer.resize(static_cast<size_t>(size));
            return buffer;
        }
        if (errno == ENODATA || errno == EOPNOTSUPP) return std::nullopt;
        constexpr size_t most = 1 << 20;
        if (errno != ERANGE || buffer.size() >= most) {
            throw_errno(fmt::format("cannot read the extended attributes of {}", quoted(path)));
        }
        buffer.resize(buffer.size() * 4);
    }
}

NodeKey key_of(int held, const struct stat& status) {
    struct statx extended {};
    NodeKey key{status.st_ino, 0, 0};
    if (::statx(held, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BTIME, &extended) == 0 &&
        (extended.stx_mask & STATX_BTIME) != 0) {
        key.birth_seconds = extended.stx_btime.tv_sec;
        key.birth_nanoseconds = extended.stx_btime.tv_nsec;
    }
    return key;
}

std::string link_target(int held, const std::string& path) {
    std::string target(256, '\0');
    for (;;) {
        const ssize_t size = ::readlinkat(held, "", target.data(), target.size());
        if (size < 0) throw_errno(fmt::format("cannot read the link {}", quoted(path)));
        if (static_cast<size_t>(size) < target.size()) {
            target.resize(static_cast<size_t>(size));
            return target;
        }
        target.resize(target.size() * 4);
    }
}

}  // namespace

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0); }

std::optional<std::string> xattr_value(const std::string& held, const std::string& name, const std::string& path) {
    return read_growing(path, [&](char* to, size_t size) { return ::getxattr(held.c_str(), name.c_str(), to, size); });
}

std::vector<std::string> xattr_names(const std::string& held, const std::string& path) {
    auto list = read_growing(path, [&](char* to, size_t size) { return ::listxattr(held.c_str(), to, size); });
    if (!list || list->empty()) return {};
    list->pop_back();  // each name has its NUL
    return split(*list, '\0');
}

std::vector<std::string> sorted_names(int directory, const std::string& path) {
    const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) throw_errno(fmt::format("cannot open {}", quoted(path)));
    std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(own), ::closedir);
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(entries.get());
        if (entry == nullptr && errno != 0) throw_errno(fmt::format("cannot list {}", quoted(path)));
        if (entry == nullptr) break;
        const std::string name = static_cast<const char*>(entry->d_name);
        if (name != "." && name != "..") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

UniqueFd open_directory_at(int directory, const std::string& name, const std::string& path) {
    UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) throw_errno(fmt::format("cannot open {}", quoted(path)));
    return fd;
}

DiskReader::DiskReader(Ownership ownership, std::span<const NodeRecord> records,
                       std::span<const PathRecord> path_records) :
    ownership_(ownership) {
    for (const NodeRecord& record : records) records_.emplace(record.key, record.owner);
    for (const PathRecord& record : path_records) path_records_.emplace(record.path, record.owner);
}

RecordedOwner DiskReader::tabled_owner(int held, const std::string& path, const struct stat& status) const {
    if (const auto found = path_records_.find(path); found != path_records_.end()) return found->second;
    if (records_.empty()) return {};
    const auto found = records_.find(key_of(held, status));
    return found == records_.end() ? RecordedOwner() : found->second;
}

DiskInode DiskReader::read(int directory, const std::string& name, const std::string& path) const {
    const UniqueFd held(::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!held) throw_errno(fmt::format("cannot open {}", quoted(path)));
    DiskInode entry{};
    if (::fstat(held.get(), &entry.status) != 0) throw_errno(fmt::format("cannot stat {}", quoted(path)));
    tree::Inode& inode = entry.inode;
    inode.type = tree::file_type(entry.status.st_mode);
    inode.mode = static_cast<uint16_t>(entry.status.st_mode & 07777);
    inode.mtime = entry.status.st_mtim.tv_sec;
    inode.uid = entry.status.st_uid;
    inode.gid = entry.status.st_gid;
    if (inode.type == tree::FileType::regular) inode.size = static_cast<uint64_t>(entry.status.st_size);
    if (inode.type == tree::FileType::symlink) inode.target = link_target(held.get(), path);
    if (inode.type == tree::FileType::char_device || inode.type == tree::FileType::block_device) {
        inode.device_major = major(entry.status.st_rdev);
        inode.device_minor = minor(entry.status.st_rdev);
    }
    if (is_whiteout(entry.status)) return entry;
    read_attributes(fmt::format("/proc/self/fd/{}", held.get()), path, entry);
    if (ownership_ == Ownership::record &&
        (inode.type == tree::FileType::symlink || inode.type == tree::FileType::fifo ||
         inode.type == tree::FileType::socket)) {
        const RecordedOwner owner = tabled_owner(held.get(), path, entry.status);
        inode.uid = owner.uid;
        inode.gid = owner.gid;
    }
    return entry;
}

void DiskReader::read_attributes(const std::string& held, const std::string& path, DiskInode& entry) const {
    tree::Inode& inode = entry.inode;
    if (ownership_ == Ownership::record) inode.uid = inode.gid = 0;
    for (std::string& name : xattr_names(held, path)) {
        auto value = xattr_value(held, name, path);
        if (!value) continue;
        if (name == opaque_attribute) entry.opaque = *value == "y" || *value == "x";
        if (name.starts_with(overlay_attributes)) continue;
        if (name == owner_attribute && ownership_ == Ownership::record) {
            const auto owner = parse_recorded_owner(*value);
            if (!owner)
                throw Error(ErrorKind::integrity, fmt::format("the owner recorded of {} is damaged", quoted(path)));
            inode.uid = owner->uid;
            inode.gid = owner->gid;
        }
        if (name == device_attribute) {
            const auto device = parse_recorded_device(*value);
            if (!device) {
                throw Error(ErrorKind::integrity, fmt::format("the device recorded of {} is damaged", quoted(path)));
            }
            inode.type = device->block ? tree::FileType::block_device : tree::FileType::char_device;
            inode.device_major = device->major;
            inode.device_minor = device->minor;
            inode.size = 0;
        }
        if (name.starts_with(recorded_attribute_prefix)) {
            name.erase(0, recorded_attribute_prefix.size());
        } else if (name.starts_with(own_attributes)) {
            continue;
        }
        inode.xattrs.push_back({std::move(name), std::move(*value)});
    }
    std::sort(inode.xattrs.begin(), inode.xattrs.end());
}

}  // namespace gbuild::layer
