#include "chroot_root.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "gbuild/base/fd.h"
#include "stage.h"

namespace gbuild::sandbox {

namespace {

struct Device {
    const char* path;
    unsigned major, minor;
};
constexpr Device devices[] = {{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
                              {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0}};

void restore_times(const std::string& path, const struct stat& before) {
    const std::array<timespec, 2> times = {before.st_atim, before.st_mtim};
    ::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

}  // namespace

void ChrootRoot::enter() {
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
}

void ChrootRoot::make_devices() {
    points_.make("/dev", PointType::directory);
    struct stat before {};
    check_stage(::stat("/dev", &before), "stat(/dev)");
    for (const Device& device : devices) {
        struct stat found {};
        if (::lstat(device.path, &found) == 0) continue;
        // Some containers may not make nodes either; what then needs /dev/null fails by itself, and says so.
        if (::mknod(device.path, S_IFCHR | 0666, makedev(device.major, device.minor)) != 0) continue;
        ::chmod(device.path, 0666);
        devices_.emplace_back(device.path);
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
