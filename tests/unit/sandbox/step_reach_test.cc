// What of the host a step can get at: nothing but what it was given.
#include <sys/stat.h>

#include "gbuild/base/atomic_file.h"
#include "place.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

bool has_mounts(const sandbox::Probe& probe) { return probe.isolation != sandbox::Isolation::chroot; }

}  // namespace

TEST_CASE("a device node of a step's is none to the step (X-3)", "[reach]") {
    for_each_isolation([](const sandbox::Probe& probe, bool overlay) {
        if (!has_mounts(probe)) return;
        Place place;
        const sandbox::Step step = place.step(
            "alias mknod='busybox mknod'; mknod /f c 1 5 && mknod -m 666 /tmp/b b 7 0 && mknod /dev/f c 1 5\n"
            "for f in /f /tmp/b /dev/f; do (exec 3<>$f) 2>/dev/null && echo opened $f; done\n"
            "busybox stat -c '%F %t:%T' /f /tmp/b",
            overlay);
        const std::string kinds = "character special file 1:5\nblock special file 7:0\n0";
        CHECK(run_in(probe, step) == kinds);
    });
}

TEST_CASE("the usual devices work, and are a step's own where they can be (X-3)", "[reach]") {
    struct stat before, after;
    REQUIRE(::stat("/dev/null", &before) == 0);
    for_each_isolation([](const sandbox::Probe& probe, bool overlay) {
        Place place;
        const sandbox::Step step = place.step(
            "busybox head -c 3 /dev/zero | busybox od -An -tx1; busybox head -c 9 /dev/urandom | busybox wc -c\n"
            "for d in null full random tty; do test -c /dev/$d || echo no $d; done; echo x 2>&1 >/dev/full\n"
            "echo lost >/dev/null; busybox cat /dev/null; busybox ls -l /dev/zero | busybox cut -c 1-10\n"
            "busybox chmod 600 /dev/null 2>/dev/null; busybox chown 5 /dev/null 2>/dev/null; true",
            overlay);
        CHECK(run_in(probe, step) == " 00 00 00\n9\nsh: write error: No space left on device\ncrw-rw-rw-\n0");
    });
    REQUIRE(::stat("/dev/null", &after) == 0);
    CHECK(before.st_mode == after.st_mode);
    CHECK(before.st_uid == after.st_uid);
}
