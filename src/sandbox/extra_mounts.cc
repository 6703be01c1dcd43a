#include "extra_mounts.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "mounts.h"
#include "stage.h"

namespace gbuild::sandbox {

namespace {

UniqueFd open_resolved(int directory, const std::string& path, uint64_t flags, uint64_t resolve) {
    open_how how{};
    how.flags = flags | O_PATH | O_CLOEXEC;
    how.resolve = resolve;
    return UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

UniqueFd clone_of(const UniqueFd& file) {
    UniqueFd fd(::open_tree(file.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
    if (!fd) fail_stage("open_tree(what is to be mounted)");
    return fd;
}

UniqueFd beneath(const std::string& directory, const std::string& path) {
    const UniqueFd top(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!top) fail_stage(fmt::format("open({})", directory));
    if (path.empty()) return clone_of(top);
    const UniqueFd file = open_resolved(top.get(), path, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (!file) fail_stage(fmt::format("open({} to mount)", path));
    return clone_of(file);
}

void set_attributes(const UniqueFd& mount, uint64_t which, const char* what) {
    mount_attr attributes{};
    attributes.attr_set = which;
    check_stage(::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes), what);
}

void require_read_only(const UniqueFd& mount) { set_attributes(mount, MOUNT_ATTR_RDONLY, "mount_setattr(read-only)"); }

// Where a mount at `path` goes: what is there of it without symbolic links, the rest as it is.
std::string real_path(const std::string& path, int links_left = 40) {
    const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const UniqueFd file = open_resolved(root.get(), path, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    std::array<char, PATH_MAX> text;
    if (file) {
        const std::string name = fmt::format("/proc/self/fd/{}", file.get());
        const ssize_t size = ::readlink(name.c_str(), text.data(), text.size());
        if (size <= 0) fail_stage("readlink");
        return std::string(text.data(), static_cast<size_t>(size));
    }
    if (errno != ENOENT || links_left == 0) throw StageFailure{"openat2", links_left == 0 ? ELOOP : errno};
    const size_t slash = path.rfind('/');
    const std::string parent = slash == 0 ? "/" : real_path(path.substr(0, slash), links_left);
    std::string there = (parent == "/" ? "" : parent) + path.substr(slash);
    // A link to what is not there yet.
    const ssize_t size = ::readlink(there.c_str(), text.data(), text.size());
    if (size <= 0) return there;
    const std::string target(text.data(), static_cast<size_t>(size));
    return real_path(target.front() == '/' ? target : parent + "/" + target, links_left - 1);
}

PointType type_of(const UniqueFd& mount) {
    struct stat status {};
    check_stage(::fstat(mount.get(), &status), "fstat(what is to be mounted)");
    return S_ISDIR(status.st_mode) ? PointType::directory : PointType::file;
}

// The kernel would say no more than EINVAL.
void require_type(const std::string& target, PointType type) {
    struct stat status {};
    check_stage(::lstat(target.c_str(), &status), "lstat");
    const bool is_directory = S_ISDIR(status.st_mode), wants_directory = type == PointType::directory;
    if (is_directory != wants_directory) throw StageFailure{"mount", is_directory ? EISDIR : ENOTDIR};
}

std::string name_in_memory(size_t number) { return fmt::format("mounted-{}", number); }

UniqueFd new_tmpfs(const StepMount& mount) {
    UniqueFd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
    if (!context) fail_stage("fsopen(tmpfs)");
    check_stage(::fsconfig(context.get(), FSCONFIG_SET_STRING, "mode", "1777", 0), "fsconfig(mode)");
    if (mount.size) {
        const std::string size = std::to_string(*mount.size);
        check_stage(::fsconfig(context.get(), FSCONFIG_SET_STRING, "size", size.c_str(), 0), "fsconfig(size)");
    }
    check_stage(::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "fsconfig(create)");
    const unsigned attributes =
        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (mount.read_only ? unsigned{MOUNT_ATTR_RDONLY} : 0U);
    UniqueFd fd(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
    if (!fd) fail_stage("fsmount(tmpfs)");
    return fd;
}

template <class Body>
void placed(const StepMount& mount, Body&& body) {
    try {
        body();
    } catch (const StageFailure& failure) {
        throw MountFailure{mount.target, failure.error_number};
    }
}

}  // namespace

void ExtraMounts::take_along() {
    for (const StepMount& mount : step_.mounts) {
        sources_.push_back(mount.kind == StepMount::Kind::bind ? source_of(mount) : UniqueFd());
        if (mount.kind != StepMount::Kind::bind) continue;
        set_attributes(sources_.back(), MOUNT_ATTR_NODEV, "mount_setattr(no devices)");
        if (mount.read_only) require_read_only(sources_.back());
    }
}

UniqueFd ExtraMounts::source_of(const StepMount& mount) const {
    if (mount.layers.size() == 1 && mount.upper.empty()) return beneath(mount.layers.front(), mount.path);
    mount_overlay({mount.layers, mount.upper, mount.work, mount.point}, Devices::no);
    UniqueFd source = beneath(mount.point, mount.path);
    check_stage(::umount2(mount.point.c_str(), MNT_DETACH), "umount(layers)");
    return source;
}

// A file of /dev's file system, which loses its name there once it is mounted in its place, and not before.
UniqueFd ExtraMounts::file_in_memory(size_t number) {
    const StepMount& mount = step_.mounts.at(number);
    const std::string name = name_in_memory(number);
    const UniqueFd file(::openat(memory_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) fail_stage("create(file to mount)");
    write_all(file.get(), mount.contents);
    if (owners_ == Owners::real) {
        check_stage(::fchown(file.get(), mount.uid, mount.gid), "chown");
    } else if (mount.uid != 0 || mount.gid != 0) {
        const std::string owner = encode(RecordedOwner{mount.uid, mount.gid});
        if (::fsetxattr(file.get(), owner_attribute, owner.data(), owner.size(), 0) != 0) {
            if (errno != EOPNOTSUPP) fail_stage("fsetxattr(owner)");
            ownerless_.insert(number);
        }
    }
    check_stage(::fchmod(file.get(), mount.mode), "fchmod");
    UniqueFd source = clone_of(UniqueFd(::openat(memory_.get(), name.c_str(), O_PATH | O_CLOEXEC)));
    if (mount.read_only) require_read_only(source);
    return source;
}

void ExtraMounts::make() {
    memory_ = UniqueFd(::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (size_t i = 0; i < step_.mounts.size(); i++) {
        const StepMount& mount = step_.mounts[i];
        placed(mount, [&] {
            if (mount.kind == StepMount::Kind::tmpfs) sources_[i] = new_tmpfs(mount);
            if (mount.kind == StepMount::Kind::file) sources_[i] = file_in_memory(i);
        });
    }
}

std::string ExtraMounts::attach(size_t number, MountPoints& points) {
    const StepMount& mount = step_.mounts.at(number);
    const UniqueFd& source = sources_.at(number);
    std::string target;
    placed(mount, [&] {
        target = real_path(mount.target);
        points.make(target, type_of(source));
        require_type(target, type_of(source));
        if (::move_mount(source.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
            fail_stage("move_mount");
        }
        if (mount.kind == StepMount::Kind::file) {
            check_stage(::unlinkat(memory_.get(), name_in_memory(number).c_str(), 0), "unlink");
        }
    });
    sources_[number].reset();
    if (ownerless_.contains(number)) owners_apart_.push_back({target.substr(1), {mount.uid, mount.gid}});
    return target;
}

}  // namespace gbuild::sandbox
