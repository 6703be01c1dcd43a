// What somebody other than root may not do.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "emulated.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

TEST_CASE("files and directories of others are refused", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("etc", 0755), "0");
        write_file("etc/passwd", "text");
        EXPECT_CALL(::mkdir("etc/sub", 0755), "0");
        write_file("etc/group-writable", "");
        EXPECT_CALL(::chown("etc/group-writable", 0, 100), "0");
        EXPECT_CALL(::chmod("etc/group-writable", 0664), "0");
        EXPECT_CALL(::mkdir("home", 0755), "0");
        EXPECT_CALL(::chown("home", 1000, 100), "0");
        become(1000, 100);
        EXPECT_CALL(::open("etc/passwd", O_WRONLY), "EACCES");
        EXPECT_CALL(::open("etc/passwd", O_RDWR), "EACCES");
        EXPECT_CALL(::open("etc/passwd", O_RDONLY | O_TRUNC), "EACCES");
        EXPECT_CALL(::open("etc/passwd", O_CREAT | O_WRONLY, 0644), "EACCES");
        EXPECT_CALL(::open("etc/new", O_CREAT | O_WRONLY, 0644), "EACCES");
        EXPECT_CALL(::creat("etc/new", 0644), "EACCES");
        EXPECT_CALL(::open("etc", O_TMPFILE | O_WRONLY, 0644), "EACCES");
        EXPECT_CALL(::close(::open("etc/group-writable", O_WRONLY)), "0");
        EXPECT_CALL(::close(::open("etc/passwd", O_RDONLY)), "0");
        EXPECT_CALL(::mkdir("etc/new", 0755), "EACCES");
        EXPECT_CALL(::mkdir("etc/sub", 0755), "EEXIST");
        EXPECT_CALL(::mknod("etc/new", S_IFREG | 0644, 0), "EACCES");
        EXPECT_CALL(::symlink("x", "etc/new"), "EACCES");
        EXPECT_CALL(::link("etc/passwd", "etc/new"), "EACCES");
        EXPECT_CALL(::link("etc/passwd", "home/new"), "EPERM");
        EXPECT_CALL(::unlink("etc/passwd"), "EACCES");
        EXPECT_CALL(::unlink("etc/nope"), "ENOENT");
        EXPECT_CALL(::rmdir("etc/sub"), "EACCES");
        EXPECT_CALL(::rename("etc/passwd", "home/passwd"), "EACCES");
        EXPECT_CALL(::rename("etc/sub", "home/sub"), "EACCES");
        EXPECT_CALL(::truncate("etc/passwd", 0), "EACCES");
        EXPECT_CALL(::chmod("etc/passwd", 0777), "EPERM");
        EXPECT_CALL(::chmod("etc/group-writable", 0777), "EPERM");
        EXPECT_CALL(::utime("etc/passwd", nullptr), "EACCES");
        utimbuf times{1, 1};
        EXPECT_CALL(::utime("etc/group-writable", &times), "EPERM");
        EXPECT_CALL(::utime("etc/group-writable", nullptr), "0");
        EXPECT_CALL(::utimensat(AT_FDCWD, "etc/passwd", nullptr, 0), "EACCES");
        UniqueFd fd = open_file("etc/passwd", O_RDONLY);
        EXPECT_CALL(::fchmod(fd.get(), 0777), "EPERM");
        EXPECT_CALL(::futimens(fd.get(), nullptr), "EACCES");
        // Nothing of it has happened, and what is one's own can be changed.
        EXPECT_TEXT(read_text_file("etc/passwd", 100), "text");
        write_file("home/f", "text");
        EXPECT_CALL(::rename("home/f", "home/g"), "0");
        EXPECT_CALL(::chmod("home/g", 0600), "0");
        EXPECT_CALL(::utime("home/g", &times), "0");
        EXPECT_CALL(::truncate("home/g", 1), "0");
        EXPECT_CALL(::link("home/g", "home/h"), "0");
        EXPECT_CALL(::unlink("home/g"), "0");
        EXPECT_CALL(::mkdir("home/dir", 0700), "0");
        EXPECT_CALL(::rename("home/dir", "home/other"), "0");
        EXPECT_CALL(::rmdir("home/other"), "0");
    });
}

TEST_CASE("a sticky directory's files are their owners'", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("tmp", 0777), "0");
        EXPECT_CALL(::chmod("tmp", 01777), "0");
        write_file("tmp/roots", "");
        write_file("tmp/theirs", "");
        EXPECT_CALL(::chown("tmp/theirs", 1001, 1001), "0");
        become(1000, 100);
        write_file("tmp/mine", "");
        EXPECT_CALL(::unlink("tmp/roots"), "EPERM");
        EXPECT_CALL(::unlink("tmp/theirs"), "EPERM");
        EXPECT_CALL(::rename("tmp/theirs", "tmp/x"), "EPERM");
        EXPECT_CALL(::rename("tmp/mine", "tmp/theirs"), "EPERM");
        EXPECT_CALL(::rename("tmp/mine", "tmp/my"), "0");
        EXPECT_CALL(::unlink("tmp/my"), "0");
    });
}

TEST_CASE("directories without search permission hide what is in them", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("root", 0700), "0");
        EXPECT_CALL(::mkdir("root/sub", 0755), "0");
        write_file("root/sub/f", "");
        EXPECT_CALL(::symlink("root/sub/f", "link"), "0");
        become(1000, 100);
        EXPECT_TEXT(owner("root"), "0:0");
        EXPECT_TEXT(owner("root/sub/f"), "EACCES");
        EXPECT_TEXT(owner("root/nope"), "EACCES");
        EXPECT_TEXT(owner("link"), "EACCES");
        EXPECT_TEXT(own_owner("link"), "0:0");
        EXPECT_CALL(::chdir("root"), "EACCES");
        EXPECT_CALL(::chdir("root/sub"), "EACCES");
        EXPECT_CALL(::access("root/sub/f", F_OK), "EACCES");
        EXPECT_CALL(::open("root/sub/f", O_CREAT | O_WRONLY, 0644), "EACCES");
        EXPECT_CALL(::chown("root/sub/f", 1000, 100), "EACCES");
        EXPECT_CALL(::unlink("root/sub/f"), "EACCES");
        struct statx x;
        EXPECT_CALL(::statx(AT_FDCWD, "root/sub/f", 0, STATX_BASIC_STATS, &x), "EACCES");
        EXPECT_CALL(::chroot("root"), "EPERM");
    });
}

TEST_CASE("access(2) answers for the real ids", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("secret", "", 0600);
        write_file("public", "", 0644);
        write_file("program", "", 0755);
        EXPECT_CALL(::access("secret", R_OK | W_OK), "0");
        EXPECT_CALL(::access("secret", X_OK), "EACCES");
        EXPECT_CALL(::setresuid(1000, 0, 0), "0");
        EXPECT_CALL(::access("secret", R_OK), "EACCES");
        EXPECT_CALL(::faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS), "0");
        become(1000, 100);
        EXPECT_CALL(::access("secret", F_OK), "0");
        EXPECT_CALL(::access("secret", R_OK), "EACCES");
        EXPECT_CALL(::access("public", R_OK), "0");
        EXPECT_CALL(::access("public", W_OK), "EACCES");
        EXPECT_CALL(::access("program", X_OK), "0");
        EXPECT_CALL(::access("public", X_OK), "EACCES");
        EXPECT_CALL(::access("nope", F_OK), "ENOENT");
        EXPECT_CALL(::faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS), "EACCES");
    });
}

TEST_CASE("reads are checked where that is asked for", "[emulation]") {
    EmulatedOptions options;
    options.filter.check_reads = true;
    REQUIRE_EMULATED(
        [](const Report& report) {
            write_file("secret", "", 0600);
            write_file("group", "", 0640);
            EXPECT_CALL(::chown("group", 0, 100), "0");
            EXPECT_CALL(::close(::open("secret", O_RDONLY)), "0");
            EXPECT_CALL(::mkdir("listable", 0744), "0");
            EXPECT_CALL(::mkdir("closed", 0711), "0");
            UniqueFd open_already = open_file("secret", O_RDWR);
            become(1000, 100);
            EXPECT_CALL(::open("secret", O_RDONLY), "EACCES");
            EXPECT_CALL(::close(::open("group", O_RDONLY)), "0");
            EXPECT_CALL(::close(::open("secret", O_PATH)), "0");
            EXPECT_CALL(::close(::open("listable", O_RDONLY | O_DIRECTORY)), "0");
            EXPECT_CALL(::open("closed", O_RDONLY | O_DIRECTORY), "EACCES");
            EXPECT_CALL(::open("nope", O_RDONLY), "ENOENT");
            // What a process has open, it may open again: its output, for one.
            std::string name = fmt::format("/proc/self/fd/{}", open_already.get());
            EXPECT_CALL(::open(name.c_str(), O_RDWR), "EACCES");
            EXPECT_CALL(::close(::open("/proc/self/comm", O_RDWR)), "0");
            EXPECT_CALL(::close(::open("/dev/null", O_RDWR)), "0");
        },
        options);
}
