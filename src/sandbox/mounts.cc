#include "mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "stage.h"
#include "standard_devices.h"

namespace gbuild::sandbox {

namespace {

// Paths of descriptors: in overlayfs's options ":", "," and "\" would need escaping, and a page is all they may take.
std::string by_descriptor(const UniqueFd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

UniqueFd open_directory(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd) fail_stage(fmt::format("open({})", path));
    return fd;
}

// A mount of its own of what is at `path` on the host; none where there is nothing.
UniqueFd clone_mount(const char* path, unsigned flags) {
    UniqueFd fd(::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags));
    if (!fd && errno != ENOENT) fail_stage(fmt::format("open_tree({})", path));
    return fd;
}

UniqueFd fresh_mount(const char* type) {
    UniqueFd context(::fsopen(type, FSOPEN_CLOEXEC));
    if (!context) fail_stage(fmt::format("fsopen({})", type));
    check_stage(::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "fsconfig(create)");
    UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    if (!mount) fail_stage(fmt::format("mount({})", type));
    return mount;
}

void attach(const UniqueFd& mount, const std::string& target) {
    if (::move_mount(mount.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
        fail_stage(fmt::format("mount on {}", target));
    }
}

void make_read_only(const UniqueFd& mount) {
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    // Recursively from Linux 5.12 on; before that there is nothing to lose for a process without privilege.
    ::mount_setattr(mount.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes);
}

void set_attributes(const UniqueFd& mount, uint64_t attributes, const char* what) {
    mount_attr wanted{};
    wanted.attr_set = attributes;
    check_stage(::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &wanted, sizeof wanted), what);
}

// A part of a file system, by its path.
void keep_from_writing(const char* path) {
    const UniqueFd part(::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!part) return;
    make_read_only(part);
    attach(part, path);
}

std::vector<std::string> masked_paths() {
    std::vector<std::string> paths = {"/proc/acpi",        "/proc/asound",  "/proc/interrupts",
                                      "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
                                      "/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
                                      "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap"};
    for (int cpu = 0;; cpu++) {
        const std::string processor = fmt::format("/sys/devices/system/cpu/cpu{}", cpu);
        if (::access(processor.c_str(), F_OK) != 0) return paths;
        paths.push_back(processor + "/thermal_throttle");
    }
}

void write_new_file(const std::string& path, const std::string& contents, mode_t mode) {
    UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file) fail_stage(fmt::format("create({})", path));
    write_all(file.get(), contents);
    check_stage(::fchmod(file.get(), mode), "fchmod");
}

void pivot_to(const std::string& directory) {
    check_stage(::chdir(directory.c_str()), "chdir(root directory)");
    // The old root comes to lie on top of the new one, and is unmounted from there.
    check_stage(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
    check_stage(::umount2(".", MNT_DETACH), "umount(old root)");
    check_stage(::chdir("/"), "chdir(/)");
}

// A file system in memory where the overlay comes to be, which then hides it. The root's attributes are those of its
// highest layer.
std::pair<UniqueFd, UniqueFd> changes_in_memory(const StepRoot& root, const UniqueFd& lower) {
    const std::string options = fmt::format("mode=0700,size={}", *root.memory);
    check_stage(::mount("tmpfs", root.directory.c_str(), "tmpfs", MS_NODEV, options.c_str()), "mount(tmpfs for root)");
    struct stat status {};
    check_stage(::fstat(lower.get(), &status), "fstat(root)");
    const std::string upper = root.directory + "/upper", work = root.directory + "/work";
    for (const std::string& path : {upper, work}) check_stage(::mkdir(path.c_str(), 0755), "mkdir(for root)");
    check_stage(::chmod(upper.c_str(), status.st_mode & 07777), "chmod(root)");
    return {open_directory(upper), open_directory(work)};
}

}  // namespace

void mount_overlay(const StepRoot& root, Devices devices) {
    std::vector<UniqueFd> layers;
    std::string lower;
    for (const std::string& layer : root.layers) {
        layers.push_back(open_directory(layer));
        lower += (lower.empty() ? "" : ":") + by_descriptor(layers.back());
    }
    // Attributes that root alone may set are of no use to the others, and all modes are to see the same.
    std::string options = fmt::format("lowerdir={},userxattr", lower);
    UniqueFd upper, work;
    if (root.memory) {
        std::tie(upper, work) = changes_in_memory(root, layers.front());
    } else if (!root.upper.empty()) {
        upper = open_directory(root.upper);
        work = open_directory(root.work);
    }
    if (upper) {
        options += fmt::format(",upperdir={},workdir={}", by_descriptor(upper), by_descriptor(work));
    }
    const unsigned long flags = devices == Devices::yes ? 0 : MS_NODEV;
    const auto mount = [&](const std::string& all) {
        return ::mount("overlay", root.directory.c_str(), "overlay", flags, all.c_str());
    };
    // What is written is read by us and then removed: nothing has to reach the disk, neither when a command calls sync
    // nor when the overlay is unmounted. From Linux 5.10 on.
    if (!root.upper.empty()) {
        if (mount(options + ",volatile") == 0) return;
        if (errno != EINVAL) fail_stage("mount(overlay)");
    }
    check_stage(mount(options), "mount(overlay)");
}

// The nodes that a step makes are for the image: none of them is a way to a device of the host.
void StepMounts::mount_root() const {
    const std::string& root = step_.root.directory;
    const Devices devices = step_.all_capabilities ? Devices::yes : Devices::no;
    if (!step_.root.layers.empty()) return mount_overlay(step_.root, devices);
    check_stage(::mount(root.c_str(), root.c_str(), nullptr, MS_BIND | MS_REC, nullptr), "mount(bind root)");
    if (devices == Devices::no) set_attributes(open_directory(root), MOUNT_ATTR_NODEV, "mount_setattr(no devices)");
}

void StepMounts::take_along(ProcMount proc) {
    proc_ = proc == ProcMount::fresh ? fresh_mount("proc") : clone_mount("/proc", AT_RECURSIVE);
    sys_ = clone_mount("/sys", AT_RECURSIVE);
    if (sys_ && !step_.all_capabilities) make_read_only(sys_);
    take_devices();
    extra_.take_along();
}

// The host's own: to be read and written, but their modes and owners are none of a step's.
void StepMounts::take_devices() {
    for (const StandardDevice& device : standard_devices) {
        UniqueFd node = clone_mount(fmt::format("/dev/{}", device.name).c_str(), 0);
        if (!node) continue;
        set_attributes(node, MOUNT_ATTR_RDONLY, "mount_setattr(device node)");
        nodes_.push_back({device.name, std::move(node)});
    }
}

// Where nodes can be made, they are the step's own: it may give them another mode or owner.
void StepMounts::make_devices() {
    if (owners_ != Owners::real) return;
    check_stage(::mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755"), "mount(tmpfs for devices)");
    std::vector<Node> own;
    for (const StandardDevice& device : standard_devices) {
        const std::string path = fmt::format("/dev/{}", device.name);
        if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(device.major, device.minor)) != 0) break;
        check_stage(::chmod(path.c_str(), 0666), "chmod(device)");
        own.push_back({device.name, clone_mount(path.c_str(), 0)});
    }
    check_stage(::umount2("/dev", MNT_DETACH), "umount(tmpfs for devices)");
    if (own.size() == std::size(standard_devices)) nodes_ = std::move(own);
}

void StepMounts::enter(ProcMount proc) {
    check_stage(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount(private)");
    mount_root();
    take_along(proc);
    pivot_to(step_.root.directory);
    mount_proc(proc);
    mount_sys();
    mount_dev();
    mask();
    inject_files();
    inject_scripts();
    mount_extra();
    proc_.reset();
    sys_.reset();
    nodes_.clear();
}

void StepMounts::note_mounted(std::string target) { mounted_.push_back({std::move(target), points_.count()}); }

// Through a link it would be another place that is covered.
void StepMounts::make_directory(const char* path) {
    struct stat found {};
    if (::lstat(path, &found) == 0 && !S_ISDIR(found.st_mode)) throw MountFailure{path, ENOTDIR, Fault::no_directory};
    points_.make(path, PointType::directory);
}

void StepMounts::mount_proc(ProcMount proc) {
    make_directory("/proc");
    note_mounted("/proc");
    attach(proc_, "/proc");
    if (step_.all_capabilities) return;
    // Real root needs no capability to write here; elsewhere this costs nothing.
    for (const char* path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"}) {
        keep_from_writing(path);
    }
    // What watches over the step is not for it to change; not even how likely it is to be killed.
    if (proc == ProcMount::fresh) keep_from_writing("/proc/1");
}

// As docker does: what tells about the machine's hardware and kernel, or about others on it.
void StepMounts::mask() const {
    if (step_.all_capabilities) return;
    struct stat null {};
    const bool has_null = ::stat("/dev/null", &null) == 0;
    for (const std::string& path : masked_paths()) {
        struct stat found {};
        if (::lstat(path.c_str(), &found) != 0) continue;
        if (S_ISDIR(found.st_mode)) {
            const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
            check_stage(::mount("tmpfs", path.c_str(), "tmpfs", flags, "size=0,nr_inodes=1"), "mount(mask)");
        } else if (has_null) {
            check_stage(::mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr), "mount(mask)");
        }
    }
}

void StepMounts::mount_sys() {
    if (!sys_) return;
    make_directory("/sys");
    note_mounted("/sys");
    attach(sys_, "/sys");
}

void StepMounts::mount_dev() {
    make_directory("/dev");
    make_devices();
    check_stage(::mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"), "mount(tmpfs on /dev)");
    note_mounted("/dev");
    for (const Node& node : nodes_) {
        write_new_file("/dev/" + node.name, "", 0666);
        attach(node.mount, "/dev/" + node.name);
    }
    const std::pair<const char*, const char*> links[] = {{"/proc/self/fd", "/dev/fd"},
                                                         {"/proc/self/fd/0", "/dev/stdin"},
                                                         {"/proc/self/fd/1", "/dev/stdout"},
                                                         {"/proc/self/fd/2", "/dev/stderr"},
                                                         {"pts/ptmx", "/dev/ptmx"}};
    for (const auto& [target, path] : links) check_stage(::symlink(target, path), "symlink");
    check_stage(::mkdir("/dev/shm", 0755), "mkdir(/dev/shm)");
    std::string options = "mode=1777";
    if (step_.shm_size) options += fmt::format(",size={}", *step_.shm_size);
    check_stage(::mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()),
                "mount(tmpfs on /dev/shm)");
    check_stage(::mkdir("/dev/pts", 0755), "mkdir(/dev/pts)");
    const unsigned long flags = MS_NOSUID | MS_NOEXEC;
    // The terminals' group, 5, is there only where ids are mapped.
    if (::mount("devpts", "/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620,gid=5") != 0) {
        check_stage(::mount("devpts", "/dev/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620"),
                    "mount(devpts)");
    }
}

// A file of /dev's file system, mounted in its place and then without a name of its own.
void StepMounts::inject_files() {
    for (const InjectedFile& file : step_.files) {
        const char* source = "/dev/injected";
        write_new_file(source, file.contents, 0644);
        const std::string target = "/" + file.path;
        points_.make(target, PointType::file);
        if (::mount(source, target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
            fail_stage(fmt::format("mount on {}", target));
        }
        check_stage(::unlink(source), "unlink");
        note_mounted(target);
    }
}

void StepMounts::mount_extra() {
    extra_.make();
    for (size_t i = 0; i < step_.mounts.size(); i++) note_mounted(extra_.attach(i, points_));
}

void StepMounts::inject_scripts() {
    if (step_.scripts.empty()) return;
    check_stage(::mkdir("/dev/pipes", 0755), "mkdir(/dev/pipes)");
    for (const InjectedFile& script : step_.scripts) write_new_file("/dev/pipes/" + script.path, script.contents, 0755);
}

void StepMounts::clean_up() {
    for (; !mounted_.empty(); mounted_.pop_back()) {
        // What was made in this mount, for others.
        points_.remove(mounted_.back().points);
        ::umount2(mounted_.back().target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    }
    points_.remove();
}

}  // namespace gbuild::sandbox
