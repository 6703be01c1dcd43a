// What a step has mounted, and its limits.
#include <sys/resource.h>
#include <sys/stat.h>

#include "gbuild/base/atomic_file.h"
#include "place.h"

using namespace gbuild;
using namespace gbuild::sandbox;
using namespace gbuild::test;
namespace fs = std::filesystem;

namespace {

StepMount bind_mount(const fs::path& directory, const std::string& target) {
    StepMount mount;
    mount.target = target;
    mount.layers = {directory.native()};
    return mount;
}

// Where mounts can be made, with a directory of three files to mount.
void for_each_mounting(const std::function<void(const Probe&, bool overlay, Place&, const fs::path&)>& check) {
    for_each_isolation([&](const Probe& probe, bool overlay) {
        if (probe.isolation == Isolation::chroot) return;
        Place place;
        const fs::path files = place.dir.path() / "files";
        fs::create_directories(files / "sub");
        write_file_atomically(files / "a", "text of a\n");
        write_file_atomically(files / "sub/b", "text of b\n");
        check(probe, overlay, place, files);
    });
}

}  // namespace

TEST_CASE("mounts are there while a step runs, and leave no trace") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        Step step =
            place.step("/bin/busybox cat /made/for/it/a /one; echo x >/made/for/it/new; echo y >/tmp/z", overlay);
        step.mounts = {bind_mount(files, "/made/for/it"), bind_mount(files, "/one")};
        step.mounts[1].path = "sub/b";
        CHECK(run_in(probe, step) == "text of a\ntext of b\n0");
        CHECK(fs::exists(files / "new"));
        const fs::path changed = place.dir.path() / (overlay ? "upper" : "base");
        CHECK(fs::exists(changed / "tmp/z"));
        CHECK_FALSE(fs::exists(changed / "made"));
        CHECK_FALSE(fs::exists(changed / "one"));
    });
}

TEST_CASE("a read-only mount cannot be written to") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        Step step =
            place.step("{ echo x >/m/new; } 2>/dev/null || { echo x >/m/a; } 2>/dev/null || echo refused", overlay);
        step.mounts = {bind_mount(files, "/m")};
        step.mounts[0].read_only = true;
        CHECK(run_in(probe, step) == "refused\n0");
        CHECK_FALSE(fs::exists(files / "new"));
    });
}

TEST_CASE("what is written to a mount of layers goes to the uppermost") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        if (!probe.overlay) return;
        for (const char* name : {"more", "up", "wo", "po"}) fs::create_directory(place.dir.path() / name);
        write_file_atomically(place.dir.path() / "more/c", "text of c\n");
        Step step = place.step("cd /m; /bin/busybox cat a c; echo x >a; /bin/busybox rm c; echo *", overlay);
        StepMount mount = bind_mount(files, "/m");
        mount.layers.insert(mount.layers.begin(), (place.dir.path() / "more").native());
        mount.upper = place.dir.path() / "up";
        mount.work = place.dir.path() / "wo";
        mount.point = place.dir.path() / "po";
        step.mounts = {mount};
        CHECK(run_in(probe, step) == "text of a\ntext of c\na sub\n0");
        CHECK(fs::file_size(files / "a") == 10);
        CHECK(fs::exists(place.dir.path() / "more/c"));
        step.mounts[0].upper.clear();
        step.command.back() = "cd /m; echo *; { echo x >a; } 2>/dev/null || echo refused";
        if (overlay) {
            fs::remove_all(place.dir.path() / "work");
            fs::create_directory(place.dir.path() / "work");
        }
        CHECK(run_in(probe, step) == "a c sub\nrefused\n0");
    });
}

TEST_CASE("files and directories in memory") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path&) {
        Step step = place.step(
            "cd /run/it; /bin/busybox cat secret; /bin/busybox stat -c %a:%u:%g secret; cd /t; "
            "/bin/busybox stat -c %a .; /bin/busybox dd if=/dev/zero of=big bs=1024 count=128 2>/dev/null || "
            "/bin/busybox stat -c %s big; { echo x >/run/it/secret; } 2>/dev/null || echo refused",
            overlay);
        StepMount file, tmpfs;
        file.kind = StepMount::Kind::file;
        file.target = "/run/it/secret";
        file.contents = "value\n";
        file.mode = 0440;
        file.uid = probe.isolation == Isolation::subid ? 0 : 1000;
        file.read_only = true;
        tmpfs.kind = StepMount::Kind::tmpfs;
        tmpfs.target = "/t";
        tmpfs.size = 65536;
        step.mounts = {file, tmpfs};
        CHECK(run_in(probe, step) == fmt::format("value\n440:{}:0\n1777\n65536\nrefused\n0", file.uid));
        const fs::path changed = place.dir.path() / (overlay ? "upper" : "base");
        CHECK_FALSE(fs::exists(changed / "run"));
        CHECK_FALSE(fs::exists(changed / "t"));
    });
}

TEST_CASE("mounts follow the image's links, and can be in one another") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        fs::create_directory_symlink("/tmp/../tmp", place.dir.path() / "base/link");
        fs::create_directory_symlink("/not/there/yet", place.dir.path() / "base/dangling");
        Step step = place.step("/bin/busybox cat /tmp/in/a /not/there/yet/a /tmp/in/deep/er/a; echo /*", overlay);
        step.mounts = {bind_mount(files, "/link/in"), bind_mount(files, "/dangling"),
                       bind_mount(files, "/tmp/in/deep/er")};
        CHECK(run_in(probe, step) ==
              "text of a\ntext of a\ntext of a\n/bin /dangling /dev /link /not /proc /sys /tmp\n0");
        CHECK_FALSE(fs::exists(files / "deep"));
        const fs::path changed = place.dir.path() / (overlay ? "upper" : "base");
        CHECK_FALSE(fs::exists(changed / "not"));
        CHECK_FALSE(fs::exists(changed / "tmp/in"));
    });
}

TEST_CASE("a mount that does not fit what the image has is told") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        Step step = place.step("echo not reached", overlay);
        step.mounts = {bind_mount(files, "/bin/busybox")};
        CHECK(run_in(probe, step) == "cannot mount on /bin/busybox: Not a directory 126");
        step.mounts = {bind_mount(files, "/bin/busybox/x")};
        CHECK(run_in(probe, step) == "cannot mount on /bin/busybox/x: Not a directory 126");
    });
}

TEST_CASE("with chroot what would be mounted is moved in and back") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        if (probe.isolation != Isolation::chroot) return;
        Place place;
        const fs::path files = place.dir.path() / "files", base = place.dir.path() / "base";
        fs::create_directories(files / "sub");
        write_file_atomically(files / "a", "text of a\n");
        write_file_atomically(base / "tmp/covered", "covered\n");
        Step step = place.step("/bin/busybox cat /tmp/a /made/a; echo *; echo more >/tmp/b; exit 3", overlay);
        for (const char* target : {"/tmp", "/made/a"}) {
            step.mounts.push_back(bind_mount(files, target));
            step.mounts.back().point = place.dir.path() / fmt::format("point{}", step.mounts.size());
            fs::create_directory(step.mounts.back().point);
        }
        fs::create_directory(place.dir.path() / "other");
        write_file_atomically(place.dir.path() / "other/x", "text of x\n");
        step.mounts[1].layers = {(place.dir.path() / "other").native()};
        step.mounts[1].path = "x";
        CHECK(run_in(probe, step) == "text of a\ntext of x\nbin dev made tmp\n3");
        CHECK(fs::exists(files / "b"));
        CHECK(fs::exists(place.dir.path() / "other/x"));
        CHECK(fs::exists(base / "tmp/covered"));
        CHECK_FALSE(fs::exists(base / "tmp/a"));
        CHECK_FALSE(fs::exists(base / "made"));
        step.mounts[1].target = "/bin";
        CHECK(run_in(probe, step) == "cannot mount on /bin: Not a directory 126");
        CHECK(fs::exists(files / "b"));
        CHECK(fs::exists(base / "tmp/covered"));
    });
}

TEST_CASE("limits and the size of shared memory") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        Step step = place.step("ulimit -n; ulimit -Hn", overlay);
        step.limits = {{"nofile", RLIMIT_NOFILE, 100, 200}};
        CHECK(run_in(probe, step) == "100\n200\n0");
        if (probe.isolation == Isolation::chroot) return;
        step.command.back() = "/bin/busybox dd if=/dev/zero of=/dev/shm/x bs=1024 count=128 2>/dev/null || "
                              "/bin/busybox stat -c %s /dev/shm/x";
        step.shm_size = 65536;
        if (overlay) {
            fs::remove_all(place.dir.path() / "work");
            fs::create_directory(place.dir.path() / "work");
        }
        CHECK(run_in(probe, step) == "65536\n0");
    });
}
