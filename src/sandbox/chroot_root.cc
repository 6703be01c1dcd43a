#include "chroot_root.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/fd.h"
#include "stage.h"
#include "standard_devices.h"

namespace gbuild::sandbox {

namespace {

constexpr const char* covered_name = "covered";

void restore_times(const std::string& path, const struct stat& before) {
    const std::array<timespec, 2> times = {before.st_atim, before.st_mtim};
    ::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

}  // namespace

void ChrootRoot::enter() {
    open_sources();
    check_stage(::chroot(step_.root.directory.c_str()), "chroot");
    check_stage(::chdir("/"), "chdir(/)");
    make_devices();
    for (const InjectedFile& file : step_.files) fill(file);
    for (const InjectedFile& script : step_.scripts) {
        const std::string path = "/dev/pipes/" + script.path;
        points_.make("/dev/pipes", PointType::directory);
        UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0755));
        if (!fd) fail_stage("create(script)");
        write_all(fd.get(), script.contents);
        devices_.push_back(path);
    }
    try {
        for (size_t i = 0; i < moved_.size(); i++) move_in(i);
    } catch (const MountFailure&) {
        move_back();
        throw;
    }
}

// While the host's files are still to be seen by name.
void ChrootRoot::open_sources() {
    auto open_directory = [](const std::string& path) {
        UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!directory) fail_stage(fmt::format("open({})", path));
        return directory;
    };
    for (const StepMount& mount : step_.mounts) {
        const std::string source = mount.layers.at(0) + (mount.path.empty() ? "" : "/" + mount.path);
        const size_t slash = source.rfind('/');
        moved_.push_back(
            {open_directory(source.substr(0, slash)), source.substr(slash + 1), open_directory(mount.point)});
    }
}

void ChrootRoot::move_in(size_t number) {
    Moved& moved = moved_[number];
    const std::string& target = step_.mounts[number].target;
    struct stat ours {
    }, theirs{};
    try {
        check_stage(::fstatat(moved.from.get(), moved.name.c_str(), &theirs, AT_SYMLINK_NOFOLLOW), "stat");
        moved.points = points_.count();
        const std::string parent = target.substr(0, target.rfind('/'));
        if (!parent.empty()) points_.make(parent, PointType::directory);
        const KeptTime kept(parent);
        if (::lstat(target.c_str(), &ours) == 0) {
            if (S_ISDIR(ours.st_mode) != S_ISDIR(theirs.st_mode)) throw StageFailure{"lstat", ENOTDIR};
            check_stage(::renameat(AT_FDCWD, target.c_str(), moved.aside.get(), covered_name), "rename(aside)");
            moved.covers = true;
        }
        in_place_ = number + 1;
        check_stage(::renameat(moved.from.get(), moved.name.c_str(), AT_FDCWD, target.c_str()), "rename(in)");
    } catch (const StageFailure& failure) {
        throw MountFailure{target, failure.error_number};
    }
}

// What the step removed is gone.
void ChrootRoot::move_back() {
    for (; in_place_ > 0; in_place_--) {
        const Moved& moved = moved_[in_place_ - 1];
        const std::string& target = step_.mounts[in_place_ - 1].target;
        {
            const KeptTime kept(target.substr(0, target.rfind('/')));
            ::renameat(AT_FDCWD, target.c_str(), moved.from.get(), moved.name.c_str());
            if (moved.covers) ::renameat(moved.aside.get(), covered_name, AT_FDCWD, target.c_str());
        }
        points_.remove(moved.points);
    }
}

void ChrootRoot::make_devices() {
    points_.make("/dev", PointType::directory);
    struct stat before {};
    check_stage(::stat("/dev", &before), "stat(/dev)");
    for (const StandardDevice& device : standard_devices) {
        const std::string path = fmt::format("/dev/{}", device.name);
        struct stat found {};
        if (::lstat(path.c_str(), &found) == 0) continue;
        // Some containers may not make nodes either; what then needs /dev/null fails by itself, and says so.
        if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(device.major, device.minor)) != 0) continue;
        ::chmod(path.c_str(), 0666);
        devices_.push_back(path);
    }
    restore_times("/dev", before);
}

void ChrootRoot::fill(const InjectedFile& file) {
    const std::string path = "/" + file.path;
    points_.make(path, PointType::file);
    Filled filled{path, file.contents, {}};
    if (::lstat(path.c_str(), &filled.before) != 0 || !S_ISREG(filled.before.st_mode) || filled.before.st_size > 0) {
        return;
    }
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) fail_stage("open(file to fill)");
    write_all(fd.get(), file.contents);
    filled_.push_back(std::move(filled));
}

void ChrootRoot::clean_up() {
    move_back();
    for (const Filled& filled : filled_) {
        UniqueFd fd(::open(filled.path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
        if (!fd || file_size(fd.get()) != filled.contents.size()) continue;
        if (read_text(fd.get(), filled.contents.size() + 1, filled.path) != filled.contents) continue;
        if (::ftruncate(fd.get(), 0) == 0) restore_times(filled.path, filled.before);
    }
    struct stat before {};
    const bool known = ::stat("/dev", &before) == 0;
    for (const std::string& path : devices_) ::unlink(path.c_str());
    if (known) restore_times("/dev", before);
    points_.remove();
}

}  // namespace gbuild::sandbox
