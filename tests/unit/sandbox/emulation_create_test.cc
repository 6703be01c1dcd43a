// What is created belongs to who creates it.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "emulated.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

int open2(int directory, const char* path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    open_how how{flags, mode, resolve};
    return static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how));
}

// A directory that everybody may write to.
void make_shared(const char* path) {
    ::mkdir(path, 0777);
    ::chmod(path, 0777);
}

}  // namespace

TEST_CASE("somebody's files are theirs", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        make_shared("d");
        EXPECT_CALL(::chdir("d"), "0");
        become(1000, 100);
        ::umask(027);
        write_file("f", "text", 0666);
        EXPECT_TEXT(owner_and_mode("f"), "1000:100 640");
        EXPECT_CALL(::mkdir("dir", 0777), "0");
        EXPECT_TEXT(owner_and_mode("dir"), "1000:100 750");
        EXPECT_CALL(::mkdir("dir/", 0777), "EEXIST");
        EXPECT_CALL(::mkdir("dir/sub/", 0777), "0");
        EXPECT_TEXT(owner("dir/sub"), "1000:100");
        EXPECT_CALL(::symlink("f", "link"), "0");
        EXPECT_TEXT(own_owner("link"), "1000:100");
        EXPECT_CALL(::symlink("f", "link"), "EEXIST");
        EXPECT_CALL(::mkfifo("fifo", 0666), "0");
        EXPECT_TEXT(owner_and_mode("fifo"), "1000:100 640");
        EXPECT_CALL(::mknod("node", S_IFREG | 0600, 0), "0");
        EXPECT_TEXT(owner_and_mode("node"), "1000:100 600");
        EXPECT_CALL(::close(::creat("created", 0666)), "0");
        EXPECT_TEXT(owner("created"), "1000:100");
        EXPECT_CALL(::symlink("dir/target", "dangling"), "0");
        write_file("dangling", "");
        EXPECT_TEXT(owner("dir/target"), "1000:100");
        UniqueFd temporary(::open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        EXPECT_TEXT(owner(temporary.get()), "1000:100");
        EXPECT_CALL(::open("f", O_CREAT | O_EXCL | O_WRONLY, 0666), "EEXIST");
        EXPECT_CALL(::open("nope/f", O_CREAT | O_WRONLY, 0666), "ENOENT");
        EXPECT_CALL(::open("f/f", O_CREAT | O_WRONLY, 0666), "ENOTDIR");
        EXPECT_CALL(::open("", O_CREAT | O_WRONLY, 0666), "ENOENT");
        EXPECT_CALL(::open("dir/", O_CREAT | O_WRONLY, 0666), "EISDIR");
        EXPECT_CALL(::open("link", O_CREAT | O_NOFOLLOW | O_WRONLY, 0666), "ELOOP");
        EXPECT_CALL(::mkdirat(99, "x", 0777), "EBADF");
        EXPECT_CALL(::mkdir(reinterpret_cast<const char*>(8), 0777), "EFAULT");
    });
}

TEST_CASE("a created file's descriptor is as asked for", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        make_shared("d");
        become(1000, 100);
        UniqueFd a(::open("d/a", O_CREAT | O_RDWR | O_CLOEXEC | O_NONBLOCK | O_APPEND, 0400));
        EXPECT_CALL(::fcntl(a.get(), F_GETFD), fmt::format("{}", FD_CLOEXEC));
        EXPECT_TEXT(::fcntl(a.get(), F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND),
                    fmt::format("{}", O_RDWR | O_NONBLOCK | O_APPEND));
        UniqueFd b(::open("d/b", O_CREAT | O_WRONLY, 0600));
        EXPECT_CALL(::fcntl(b.get(), F_GETFD), "0");
        EXPECT_CALL(::write(a.get(), "x", 1), "1");
        EXPECT_CALL(::read(b.get(), &a, 1), "EBADF");
    });
}

TEST_CASE("openat2 keeps to its limits", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        make_shared("d");
        make_shared("outside");
        EXPECT_CALL(::symlink("../outside", "d/out"), "0");
        write_file("d/theirs", "", 0644);
        become(1000, 100);
        UniqueFd d = open_file("d", O_PATH);
        EXPECT_CALL(open2(d.get(), "out/f", O_CREAT | O_WRONLY, 0600, RESOLVE_BENEATH), "EXDEV");
        EXPECT_CALL(open2(d.get(), "out/f", O_CREAT | O_WRONLY, 0600, RESOLVE_NO_SYMLINKS), "ELOOP");
        EXPECT_CALL(::close(open2(d.get(), "f", O_CREAT | O_WRONLY, 0600, RESOLVE_BENEATH)), "0");
        EXPECT_TEXT(owner_and_mode("d/f"), "1000:100 600");
        EXPECT_CALL(::close(open2(d.get(), "/g", O_CREAT | O_WRONLY, 0600, RESOLVE_IN_ROOT)), "0");
        EXPECT_TEXT(owner("d/g"), "1000:100");
        EXPECT_CALL(::close(open2(d.get(), "h", O_CREAT | O_WRONLY, 0600, 0)), "0");
        EXPECT_TEXT(owner("d/h"), "1000:100");
        EXPECT_CALL(open2(d.get(), "h", O_CREAT | O_EXCL | O_WRONLY, 0600, RESOLVE_BENEATH), "EEXIST");
        EXPECT_CALL(open2(d.get(), "theirs", O_WRONLY, 0, RESOLVE_BENEATH), "EACCES");
        EXPECT_CALL(::syscall(SYS_openat2, d.get(), "f", nullptr, 8), "EINVAL");
        EXPECT_CALL(::syscall(SYS_openat2, d.get(), "f", nullptr, 1 << 20), "E2BIG");
        EXPECT_CALL(::syscall(SYS_openat2, d.get(), "f", nullptr, sizeof(open_how)), "EFAULT");
    });
}

TEST_CASE("a set-group-id directory hands its group on", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        make_shared("d");
        EXPECT_CALL(::chown("d", 5, 50), "0");
        EXPECT_CALL(::chmod("d", 02777), "0");
        write_file("d/f", "");
        EXPECT_TEXT(owner("d/f"), "0:50");
        EXPECT_CALL(::mkdir("d/sub", 0755), "0");
        EXPECT_TEXT(owner_and_mode("d/sub"), "0:50 2755");
        EXPECT_CALL(::symlink("x", "d/link"), "0");
        EXPECT_TEXT(own_owner("d/link"), "0:50");
        write_file("d/sub/f", "");
        EXPECT_TEXT(owner("d/sub/f"), "0:50");
        become(1000, 100);
        write_file("d/mine", "");
        EXPECT_TEXT(owner("d/mine"), "1000:50");
    });
}

namespace {

std::string device(const char* path) {
    struct stat st;
    if (::lstat(path, &st) != 0) return outcome(-1);
    const char* type = S_ISCHR(st.st_mode) ? "c" : S_ISBLK(st.st_mode) ? "b" : "-";
    return fmt::format("{} {}:{} {}:{} {:o}", type, major(st.st_rdev), minor(st.st_rdev), st.st_uid, st.st_gid,
                       st.st_mode & 07777);
}

}  // namespace

TEST_CASE("devices look like devices", "[emulation]") {
    REQUIRE_EMULATED(
        [](const Report& report) {
            EXPECT_CALL(::mknod("null", S_IFCHR | 0666, makedev(1, 3)), "0");
            EXPECT_TEXT(device("null"), "c 1:3 0:0 644");
            EXPECT_CALL(::mknodat(AT_FDCWD, "loop", S_IFBLK | 0660, makedev(7, 300)), "0");
            EXPECT_CALL(::chown("loop", 0, 6), "0");
            EXPECT_TEXT(device("loop"), "b 7:300 0:6 640");
            EXPECT_CALL(::mknod("null", S_IFCHR | 0666, makedev(1, 3)), "EEXIST");
            struct statx x;
            EXPECT_CALL(::statx(AT_FDCWD, "loop", 0, STATX_BASIC_STATS, &x), "0");
            EXPECT_TEXT(fmt::format("{:o} {}:{}", x.stx_mode & S_IFMT, x.stx_rdev_major, x.stx_rdev_minor),
                        "60000 7:300");
            EXPECT_CALL(::rename("null", "other"), "0");
            EXPECT_TEXT(device("other"), "c 1:3 0:0 644");
            become(1000, 100);
            EXPECT_CALL(::mknod("no", S_IFCHR | 0666, makedev(1, 3)), "EPERM");
        },
        {.after = [](const Report& report, const sandbox::FinalOwners&) {
            char value[64];
            EXPECT_CALL(::getxattr("other", device_attribute, value, sizeof value), "5");
        }});
}

TEST_CASE("devices alone can be emulated", "[emulation]") {
    EmulatedOptions options;
    options.filter.emulation = sandbox::Emulation::devices;
    options.after = [](const Report& report, const sandbox::FinalOwners& owners) {
        EXPECT_TEXT(owners.nodes.size(), "0");
        char value[64] = {};
        EXPECT_CALL(::getxattr("null", device_attribute, value, sizeof value), "5");
        EXPECT_TEXT(value, "c:1:3");
    };
    REQUIRE_EMULATED(
        [](const Report& report) {
            EXPECT_CALL(::mknod("null", S_IFCHR | 0666, makedev(1, 3)), "0");
            EXPECT_TEXT(owner_and_mode("null"), "0:0 644");
            EXPECT_CALL(::mkfifo("fifo", 0600), "0");
            EXPECT_CALL(::chown("null", 5, 5), "EINVAL");
        },
        options);
}
