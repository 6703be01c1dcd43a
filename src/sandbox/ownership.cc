#include "ownership.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include <fmt/compile.h>
#include <fmt/format.h>

namespace gbuild::sandbox {

namespace {

// Of symbolic links, FIFOs and sockets that are not root's; some hundred bytes each.
constexpr size_t most_entries = 1 << 20;

// nullopt: no such attribute, or none at all there.
std::optional<std::string> attribute(int fd, const char* name) {
    std::array<char, 64> value;
    const ssize_t size = ::getxattr(descriptor_path(fd).c_str(), name, value.data(), value.size());
    if (size < 0) return std::nullopt;
    return std::string(value.data(), static_cast<size_t>(size));
}

// Without a time of birth where the file system knows none.
NodeKey key_of(const struct statx& status) {
    NodeKey key{status.stx_ino, 0, 0};
    if ((status.stx_mask & STATX_BTIME) != 0) {
        key.birth_seconds = status.stx_btime.tv_sec;
        key.birth_nanoseconds = status.stx_btime.tv_nsec;
    }
    return key;
}

NodeKey key_of(int fd) {
    struct statx status {};
    const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
    if (::statx(fd, "", flags, STATX_INO | STATX_BTIME, &status) != 0) refuse(errno);
    return key_of(status);
}

// As the kernel knows it; of a file that has been removed something that leads nowhere.
std::string current_path(int fd) {
    std::array<char, PATH_MAX> path;
    const ssize_t size = ::readlink(descriptor_path(fd).c_str(), path.data(), path.size());
    return size > 0 ? std::string(path.data(), static_cast<size_t>(size)) : "/";
}

}  // namespace

bool carries_attributes(const struct stat& status) { return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode); }

std::string descriptor_path(int fd) { return fmt::format(FMT_COMPILE("/proc/self/fd/{}"), fd); }

bool OwnerBook::may_be_recorded(const char* path, bool follow) const {
    std::array<char, 64> value;
    const ssize_t size = follow ? ::getxattr(path, owner_attribute, value.data(), value.size())
                                : ::lgetxattr(path, owner_attribute, value.data(), value.size());
    if (size >= 0) return true;
    return has_table() && (errno == ENODATA || errno == EOPNOTSUPP) && in_table(path, follow);
}

bool OwnerBook::in_table(const char* path, bool follow) const {
    struct statx extended {};
    const int flags = AT_NO_AUTOMOUNT | (follow ? 0 : AT_SYMLINK_NOFOLLOW);
    if (::statx(AT_FDCWD, path, flags, STATX_TYPE | STATX_INO | STATX_BTIME, &extended) != 0) return false;
    const dev_t device = makedev(extended.stx_dev_major, extended.stx_dev_minor);
    return table_.lock()->contains({device, key_of(extended)});
}

std::optional<RecordedOwner> OwnerBook::recorded_owner(int fd, const struct stat& status) const {
    if (carries_attributes(status)) {
        const auto value = attribute(fd, owner_attribute);
        if (value) return parse_recorded_owner(*value);
    }
    if (!has_table()) return std::nullopt;
    const Key key{status.st_dev, key_of(fd)};
    auto table = table_.lock();
    const auto found = table->find(key);
    if (found == table->end()) return std::nullopt;
    return found->second.owner;
}

RecordedOwner OwnerBook::owner(int fd, const struct stat& status) const {
    return recorded_owner(fd, status).value_or(RecordedOwner());
}

std::optional<RecordedDevice> OwnerBook::device(int fd, const struct stat& status) const {
    if (!S_ISREG(status.st_mode) || status.st_size != 0) return std::nullopt;
    const auto value = attribute(fd, device_attribute);
    return value ? parse_recorded_device(*value) : std::nullopt;
}

void OwnerBook::set_owner(int fd, const struct stat& status, RecordedOwner owner, Origin origin) {
    const bool root = owner == RecordedOwner();
    if (carries_attributes(status)) {
        const std::string path = descriptor_path(fd);
        // A device's record is looked for only where there is an owner's.
        if (root && !device(fd, status)) {
            ::removexattr(path.c_str(), owner_attribute);
            if (!has_table()) return;
        } else {
            const std::string value = encode(owner);
            if (::setxattr(path.c_str(), owner_attribute, value.data(), value.size(), 0) == 0) return;
            // EROFS: of a read-only mount, an owner that is known beforehand.
            if (errno != EOPNOTSUPP && errno != EPERM && errno != EROFS) refuse(errno);
        }
    }
    const Key key{status.st_dev, key_of(fd)};
    auto table = table_.lock();
    if (root) {
        table->erase(key);
    } else if (table->size() >= most_entries && !table->contains(key)) {
        refuse(ENOSPC);
    } else {
        Entry& entry = (*table)[key];
        entry.owner = owner;
        if (origin == Origin::below) entry.origin = origin;
        entry.path = current_path(fd);
    }
    entries_ = table->size();
}

void OwnerBook::set_device(int fd, RecordedDevice device) {
    const std::string path = descriptor_path(fd), value = encode(device), owner = encode(RecordedOwner());
    if (::setxattr(path.c_str(), device_attribute, value.data(), value.size(), 0) != 0 ||
        ::setxattr(path.c_str(), owner_attribute, owner.data(), owner.size(), 0) != 0) {
        refuse(errno);
    }
}

FinalOwners OwnerBook::records() const {
    FinalOwners result;
    Table moved;
    auto table = table_.lock();
    for (const auto& [key, entry] : *table) {
        result.nodes.push_back({key.second, entry.owner});
        if (entry.origin == Origin::own) continue;
        const UniqueFd file(::open(entry.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat status {};
        if (file && ::fstat(file.get(), &status) == 0 && Key{status.st_dev, key_of(file.get())} == key) {
            result.paths.push_back({entry.path.substr(1), entry.owner});
        } else {
            moved.emplace(key, entry);
        }
    }
    if (!moved.empty()) find_moved(moved, result);
    return result;
}

// Looks everywhere for what is not where it was recorded. It may be gone altogether.
void OwnerBook::find_moved(Table& wanted, FinalOwners& found) {
    std::vector<std::string> directories = {""};
    while (!directories.empty()) {
        const std::string directory = std::move(directories.back());
        directories.pop_back();
        const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir((directory + "/").c_str()), ::closedir);
        if (!entries) continue;
        while (const dirent* entry = ::readdir(entries.get())) {
            const std::string name = static_cast<const char*>(entry->d_name);
            const std::string path = directory + "/" + name;
            if (name == "." || name == "..") continue;
            const UniqueFd file(::openat(::dirfd(entries.get()), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            struct stat status {};
            if (!file || ::fstat(file.get(), &status) != 0 || status.st_dev != wanted.begin()->first.first) continue;
            if (S_ISDIR(status.st_mode)) directories.push_back(path);
            if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) continue;
            const auto match = wanted.find({status.st_dev, key_of(file.get())});
            if (match != wanted.end()) found.paths.push_back({path.substr(1), match->second.owner});
        }
    }
}

bool OwnerBook::adorn(int fd, struct stat& status) const {
    const auto recorded = recorded_owner(fd, status);
    if (!recorded) return false;
    status.st_uid = recorded->uid;
    status.st_gid = recorded->gid;
    // A device's owner is always recorded, if only as 0:0.
    if (const auto node = device(fd, status)) {
        status.st_mode = (status.st_mode & ~static_cast<mode_t>(S_IFMT)) | (node->block ? S_IFBLK : S_IFCHR);
        status.st_rdev = makedev(node->major, node->minor);
        status.st_size = 0;
        status.st_blocks = 0;
    }
    return true;
}

}  // namespace gbuild::sandbox
