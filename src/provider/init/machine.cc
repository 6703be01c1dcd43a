#include "machine.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "network.h"
#include "report.h"

namespace gbuild::guest {

namespace {

void mount_or_fail(const char* source, const std::string& target, const char* type, unsigned long flags,
                   const char* options = "") {
    if (::mount(source, target.c_str(), type, flags, options) != 0) {
        fail(std::string("cannot mount ") + type + " on " + target, errno);
    }
}

std::string file_text(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(1 << 16, '\0');
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
}

// In the order in which gbuild has listed them: each after those that it needs.
void load_modules() {
    std::string name;
    for (const char c : file_text("/modules/order")) {
        if (c != '\n') {
            name += c;
            continue;
        }
        const Descriptor module(::open(("/modules/" + name).c_str(), O_RDONLY | O_CLOEXEC));
        if (::syscall(SYS_finit_module, module.get(), "", 0) != 0 && errno != EEXIST) {
            fail("cannot load the kernel's module " + name, errno);
        }
        name.clear();
    }
}

// The name of an entry of `directory` whose file `attribute` holds `value`; "" when there is none.
std::string device_with(const char* directory, const char* attribute, const std::string& value) {
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory), ::closedir);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        const std::string name = static_cast<const char*>(entry->d_name);
        std::string text = file_text(std::string(directory) + "/" + name + "/" + attribute);
        if (!text.empty() && text.back() == '\n') text.pop_back();
        if (text == value) return name;
    }
    return "";
}

// Devices come to be seen some time after their driver.
std::string wait_for_device(const char* directory, const char* attribute, const std::string& value) {
    constexpr int most_turns = 3000, pause = 10;  // milliseconds
    for (int turn = 0; turn < most_turns; turn++) {
        const std::string name = device_with(directory, attribute, value);
        if (!name.empty() && ::access(("/dev/" + name).c_str(), F_OK) == 0) return "/dev/" + name;
        ::poll(nullptr, 0, pause);
    }
    fail("there is no device " + value);
}

void mount_image(const Settings& settings) {
    const std::string disk = wait_for_device("/sys/block", "serial", "rootfs-0");
    mount_or_fail(disk.c_str(), "/lower", "squashfs", MS_RDONLY | MS_NODEV);
    mount_or_fail("tmpfs", "/memory", "tmpfs", MS_NODEV, ("mode=0700,size=" + settings.root_size).c_str());
    struct stat status {};
    if (::stat("/lower", &status) != 0) fail("cannot look at the image", errno);
    if (::mkdir("/memory/upper", 0755) != 0 || ::mkdir("/memory/work", 0755) != 0 ||
        ::chmod("/memory/upper", status.st_mode & 07777) != 0 ||
        ::chown("/memory/upper", status.st_uid, status.st_gid) != 0) {
        fail("cannot make directories in memory", errno);
    }
    mount_or_fail("overlay", "/root", "overlay", MS_NODEV,
                  "lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work");
}

enum class Missing { is_made, ends_the_machine };

// Through a link it would be another place that is covered.
std::string mount_point(const char* path, Missing missing) {
    std::string place = std::string("/root") + path;
    struct stat status {};
    if (::lstat(place.c_str(), &status) != 0) {
        if (missing == Missing::ends_the_machine) fail(std::string("the image has no directory ") + path);
        if (::mkdir(place.c_str(), 0755) != 0) fail(std::string("cannot make ") + path, errno);
    } else if (!S_ISDIR(status.st_mode)) {
        fail(std::string("the image has a file or a link at ") + path + ", which must be a directory");
    }
    return place;
}

void mount_the_rest() {
    mount_or_fail("proc", mount_point("/proc", Missing::ends_the_machine), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount_or_fail("sysfs", mount_point("/sys", Missing::ends_the_machine), "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount_or_fail("devtmpfs", mount_point("/dev", Missing::is_made), "devtmpfs", MS_NOSUID);
    mount_or_fail("tmpfs", mount_point("/tmp", Missing::is_made), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0777");
    mount_or_fail("devpts", mount_point("/dev/pts", Missing::is_made), "devpts", MS_NOSUID | MS_NOEXEC,
                  "mode=0620,ptmxmode=0666,gid=5");
    mount_or_fail("tmpfs", mount_point("/dev/shm", Missing::is_made), "tmpfs", MS_NOSUID | MS_NODEV);
    // Of a kernel whose devtmpfs has them already, they stay.
    const char* links[][2] = {{"/proc/self/fd", "/root/dev/fd"},
                              {"/proc/self/fd/0", "/root/dev/stdin"},
                              {"/proc/self/fd/1", "/root/dev/stdout"},
                              {"/proc/self/fd/2", "/root/dev/stderr"}};
    for (const auto& link : links) {
        if (::symlink(link[0], link[1]) != 0 && errno != EEXIST) fail("cannot make links in /dev", errno);
    }
}

void enter_root() {
    if (::chdir("/root") != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || ::chroot(".") != 0 ||
        ::chdir("/") != 0) {
        fail("cannot enter the image's root", errno);
    }
}

}  // namespace

Descriptor prepare_machine(Settings& settings) {
    mount_or_fail("proc", "/proc", "proc", 0);
    mount_or_fail("sysfs", "/sys", "sysfs", 0);
    if (::mount("devtmpfs", "/dev", "devtmpfs", 0, "") != 0 && errno != EBUSY) fail("cannot mount /dev", errno);
    settings = read_settings(kernel_words());
    load_modules();
    mount_image(settings);
    const std::string port = wait_for_device("/sys/class/virtio-ports", "name", "manager_port");
    Descriptor channel(::open(port.c_str(), O_RDWR | O_CLOEXEC));
    if (!channel) fail("cannot open " + port, errno);
    mount_the_rest();
    enter_root();
    ::sethostname(settings.hostname.data(), settings.hostname.size());
    bring_up_network(settings);
    return channel;
}

}  // namespace gbuild::guest
