// Owners that files are given, and what chown(2) does besides.
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "emulated.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

TEST_CASE("a file has the owner that it was given", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        EXPECT_TEXT(owner("f"), "0:0");
        EXPECT_CALL(::chown("f", 5, 6), "0");
        EXPECT_TEXT(owner("f"), "5:6");
        EXPECT_CALL(::chown("f", static_cast<uid_t>(-1), 7), "0");
        EXPECT_TEXT(owner("f"), "5:7");
        EXPECT_CALL(::chown("f", 8, static_cast<gid_t>(-1)), "0");
        EXPECT_TEXT(owner("f"), "8:7");
        UniqueFd fd = open_file("f", O_RDONLY);
        EXPECT_CALL(::fchown(fd.get(), 11, 12), "0");
        EXPECT_TEXT(owner(fd.get()), "11:12");
        EXPECT_CALL(::fchownat(fd.get(), "", 13, 14, AT_EMPTY_PATH), "0");
        EXPECT_TEXT(owner("f"), "13:14");
        EXPECT_CALL(::mkdir("d", 0755), "0");
        UniqueFd directory = open_file("d", O_PATH);
        write_file("d/f", "");
        EXPECT_CALL(::fchownat(directory.get(), "f", 15, 16, 0), "0");
        EXPECT_TEXT(owner("d/f"), "15:16");
        EXPECT_CALL(::chown("d", 17, 18), "0");
        EXPECT_TEXT(owner("d"), "17:18");
        EXPECT_TEXT(owner(directory.get()), "17:18");
        EXPECT_CALL(::chown("f", 0, 0), "0");
        EXPECT_TEXT(owner("f"), "0:0");
        struct statx x;
        EXPECT_CALL(::statx(directory.get(), "f", 0, STATX_BASIC_STATS, &x), "0");
        EXPECT_TEXT(fmt::format("{}:{}", x.stx_uid, x.stx_gid), "15:16");
    });
}

TEST_CASE("links, FIFOs and sockets have owners, too", "[emulation]") {
    REQUIRE_EMULATED(
        [](const Report& report) {
            write_file("f", "");
            EXPECT_CALL(::symlink("f", "link"), "0");
            EXPECT_CALL(::mkfifo("fifo", 0644), "0");
            EXPECT_CALL(::mknod("socket", S_IFSOCK | 0644, 0), "0");
            EXPECT_CALL(::lchown("link", 5, 6), "0");
            EXPECT_CALL(::chown("fifo", 7, 8), "0");
            EXPECT_CALL(::chown("socket", 9, 10), "0");
            EXPECT_TEXT(own_owner("link"), "5:6");
            EXPECT_TEXT(owner("link"), "0:0");
            EXPECT_TEXT(owner("fifo"), "7:8");
            EXPECT_TEXT(owner("socket"), "9:10");
            EXPECT_CALL(::chown("link", 1, 2), "0");
            EXPECT_TEXT(owner("f"), "1:2");
            EXPECT_TEXT(own_owner("link"), "5:6");
            EXPECT_CALL(::rename("fifo", "other"), "0");
            EXPECT_TEXT(owner("other"), "7:8");
            EXPECT_CALL(::chown("other", 0, 0), "0");
            EXPECT_TEXT(owner("other"), "0:0");
        },
        {.after = [](const Report& report, const sandbox::FinalOwners& owners) {
            EXPECT_TEXT(owners.nodes.size(), "2");
            for (const char* name : {"link", "socket"}) {
                struct statx x;
                EXPECT_CALL(::statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &x), "0");
                NodeKey key{x.stx_ino, x.stx_btime.tv_sec, x.stx_btime.tv_nsec};
                bool found = false;
                for (const auto& record : owners.nodes) found |= record.key == key;
                EXPECT_TEXT(found, "true");
            }
        }});
}

TEST_CASE("a change of owner has the real one's effects and errors", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        EXPECT_CALL(::chmod("f", 06755), "0");
        EXPECT_CALL(::chown("f", 5, 6), "0");
        EXPECT_TEXT(owner_and_mode("f"), "5:6 755");
        EXPECT_CALL(::chown("nope", 1, 1), "ENOENT");
        EXPECT_CALL(::chown("", 1, 1), "ENOENT");
        EXPECT_CALL(::chown("f/x", 1, 1), "ENOTDIR");
        EXPECT_CALL(::chown("f/", 1, 1), "ENOTDIR");
        EXPECT_CALL(::symlink("loop", "loop"), "0");
        EXPECT_CALL(::chown("loop", 1, 1), "ELOOP");
        EXPECT_CALL(::chown(reinterpret_cast<const char*>(8), 1, 1), "EFAULT");
        EXPECT_CALL(::chown(std::string(5000, 'x').c_str(), 1, 1), "ENAMETOOLONG");
        EXPECT_CALL(::chown(std::string(300, 'x').c_str(), 1, 1), "ENAMETOOLONG");
        auto* nowhere = reinterpret_cast<struct stat*>(8);
        EXPECT_CALL(::stat("", nowhere), "ENOENT");
        EXPECT_CALL(::stat("f", nowhere), "EFAULT");
        EXPECT_CALL(::stat(reinterpret_cast<const char*>(8), nowhere), "EFAULT");
        EXPECT_CALL(::fchown(99, 1, 1), "EBADF");
        EXPECT_CALL(::fchown(-1, 1, 1), "EBADF");
        EXPECT_CALL(::fchownat(99, "f", 1, 1, 0), "EBADF");
        EXPECT_CALL(::fchownat(AT_FDCWD, "f", 1, 1, 0x4000), "EINVAL");
        UniqueFd path_only = open_file("f", O_PATH);
        EXPECT_CALL(::fchown(path_only.get(), 1, 1), "EBADF");
        EXPECT_TEXT(owner("f"), "5:6");
    });
}

TEST_CASE("an owner belongs to the inode", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        EXPECT_CALL(::chown("f", 5, 6), "0");
        EXPECT_CALL(::link("f", "g"), "0");
        EXPECT_CALL(::rename("f", "h"), "0");
        EXPECT_TEXT(owner("g"), "5:6");
        EXPECT_TEXT(owner("h"), "5:6");
        EXPECT_CALL(::unlink("g"), "0");
        EXPECT_CALL(::unlink("h"), "0");
        write_file("f", "");
        EXPECT_TEXT(owner("f"), "0:0");
        int stale = 0, reused = 0;
        for (int i = 0; i < 500; ++i) {
            struct stat a, b;
            if (::symlink("x", "one") != 0 || ::lstat("one", &a) != 0 || ::lchown("one", 55, 55) != 0) ++stale;
            ::unlink("one");
            if (::symlink("y", "two") != 0 || ::lstat("two", &b) != 0) ++stale;
            stale += a.st_uid != 0 || b.st_uid != 0;
            reused += a.st_ino == b.st_ino;
            ::unlink("two");
        }
        EXPECT_TEXT(stale, "0");
        EXPECT_TEXT(reused > 0, "true");
    });
}

TEST_CASE("files are named as the process means them", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        UniqueFd fd = open_file("f", O_RDWR);
        EXPECT_CALL(::chown(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), 21, 22), "0");
        EXPECT_TEXT(owner("f"), "21:22");
        EXPECT_TEXT(owner(fmt::format("/proc/self/fd/{}", fd.get())), "21:22");
        EXPECT_CALL(::symlink("/proc/self/fd", "fds"), "0");
        EXPECT_CALL(::chown(fmt::format("fds/{}", fd.get()).c_str(), 31, 32), "0");
        EXPECT_TEXT(owner("f"), "31:32");
        EXPECT_CALL(::chown(fmt::format("/dev/fd/{}", fd.get()).c_str(), 41, 42), "0");
        EXPECT_TEXT(owner("f"), "41:42");
        EXPECT_CALL(::chown("/proc/thread-self/cwd/f", 51, 52), "0");
        EXPECT_TEXT(owner("f"), "51:52");
        EXPECT_CALL(::dup2(fd.get(), 1), "1");
        EXPECT_CALL(::chown("/dev/stdout", 61, 62), "0");
        EXPECT_TEXT(owner("f"), "61:62");
        EXPECT_CALL(::dup2(fd.get(), 0), "0");
        EXPECT_CALL(::fchown(0, 71, 72), "0");
        EXPECT_TEXT(owner(0), "71:72");
        // Each link has but one way on.
        std::string target = "f";
        for (int i = 0; i < 40; ++i) {
            std::string name = fmt::format("chain{}", i);
            EXPECT_CALL(::symlink(target.c_str(), name.c_str()), "0");
            target = name;
        }
        EXPECT_CALL(::chown("chain39", 81, 82), "0");
        EXPECT_CALL(::symlink("chain39", "one-more"), "0");
        EXPECT_CALL(::chown("one-more", 1, 1), "ELOOP");
        EXPECT_TEXT(owner("f"), "81:82");
    });
}

TEST_CASE("a process with another root directory is followed", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("root", 0755), "0");
        write_file("root/inside", "");
        write_file("inside", "");
        bool good = in_child([&] {
            EXPECT_CALL(::chroot("root"), "0");
            EXPECT_CALL(::chdir("/"), "0");
            EXPECT_CALL(::chown("/inside", 44, 45), "0");
            EXPECT_TEXT(owner("/inside"), "44:45");
            EXPECT_TEXT(owner("inside"), "44:45");
            EXPECT_TEXT(owner("/../../inside"), "44:45");
            EXPECT_CALL(::symlink("/inside", "/link"), "0");
            EXPECT_CALL(::chown("/link", 46, 47), "0");
            EXPECT_TEXT(owner("/inside"), "46:47");
            become(1000, 1000);
            EXPECT_CALL(::open("/new", O_CREAT | O_WRONLY, 0644), "EACCES");
            return true;
        });
        EXPECT_TEXT(good, "true");
        EXPECT_TEXT(owner("root/inside"), "46:47");
        EXPECT_TEXT(owner("inside"), "0:0");
    });
}

TEST_CASE("a process with mounts of its own is followed", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("d", 0755), "0");
        write_file("d/f", "");
        bool good = in_child([&] {
            EXPECT_CALL(::unshare(CLONE_NEWNS), "0");
            EXPECT_CALL(::mount("tmpfs", "d", "tmpfs", 0, nullptr), "0");
            write_file("d/f", "");
            EXPECT_CALL(::chown("d/f", 5, 6), "0");
            EXPECT_TEXT(owner("d/f"), "5:6");
            std::string absolute = std::filesystem::current_path() / "d/f";
            EXPECT_CALL(::chown(absolute.c_str(), 7, 8), "0");
            EXPECT_TEXT(owner("d/f"), "7:8");
            return true;
        });
        EXPECT_TEXT(good, "true");
        EXPECT_TEXT(owner("d/f"), "0:0");
    });
}

TEST_CASE("others' files on others' file systems can be given to root without effect", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        std::string before = owner("/dev/null");
        EXPECT_CALL(::chown("/dev/null", 0, 0), "0");
        EXPECT_TEXT(owner("/dev/null"), before);
    });
}

TEST_CASE("who is not root gives nothing away", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("mine", "");
        write_file("theirs", "");
        EXPECT_CALL(::chown("mine", 1000, 100), "0");
        gid_t groups[] = {7, 8};
        EXPECT_CALL(::setgroups(2, groups), "0");
        EXPECT_CALL(::setgid(100), "0");
        EXPECT_CALL(::setuid(1000), "0");
        EXPECT_CALL(::chown("theirs", 1000, 100), "EPERM");
        EXPECT_CALL(::chown("mine", 1001, static_cast<gid_t>(-1)), "EPERM");
        EXPECT_CALL(::chown("mine", static_cast<uid_t>(-1), 9), "EPERM");
        EXPECT_CALL(::chown("mine", 1000, 100), "0");
        EXPECT_CALL(::chown("mine", static_cast<uid_t>(-1), 8), "0");
        EXPECT_TEXT(owner("mine"), "1000:8");
        EXPECT_CALL(::chown("theirs", static_cast<uid_t>(-1), static_cast<gid_t>(-1)), "0");
        EXPECT_TEXT(owner("theirs"), "0:0");
    });
}

TEST_CASE("owners on a file system without user attributes are in the table", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        int fds[2];
        EXPECT_CALL(::pipe(fds), "0");
        EXPECT_CALL(::fchown(fds[0], 5, 6), "0");
        EXPECT_TEXT(owner(fds[0]), "5:6");
        EXPECT_CALL(::fchown(fds[0], 0, 0), "0");
        EXPECT_TEXT(owner(fds[0]), "0:0");
    });
}

namespace {

// Descriptors of what the overlay covers, for the supervisor's process.
struct Overlay {
    UniqueFd upper, work;

    // Makes it the root directory, with a lower layer of one of each kind.
    void mount(const Report& report) {
        for (const char* name : {"lower", "upper", "work", "merged"}) EXPECT_CALL(::mkdir(name, 0755), "0");
        upper = open_file("upper", O_PATH);
        work = open_file("work", O_PATH);
        write_file("lower/file", "text");
        EXPECT_CALL(::mkdir("lower/directory", 0755), "0");
        EXPECT_CALL(::mkdir("lower/proc", 0755), "0");
        EXPECT_CALL(::symlink("file", "lower/link"), "0");
        EXPECT_CALL(::symlink("file", "lower/known"), "0");
        EXPECT_CALL(::symlink("file", "lower/to-be-moved"), "0");
        EXPECT_CALL(::symlink("file", "lower/moved-later"), "0");
        EXPECT_CALL(::mkfifo("lower/directory/fifo", 0640), "0");
        const char* layers = "userxattr,lowerdir=lower,upperdir=upper,workdir=work";
        EXPECT_CALL(::mount("overlay", "merged", "overlay", 0, layers), "0");
        EXPECT_CALL(::mount("/proc", "merged/proc", nullptr, MS_BIND | MS_REC, nullptr), "0");
        EXPECT_CALL(::chdir("merged"), "0");
        EXPECT_CALL(::chroot("."), "0");
    }
    // The kernel's own directory there has no permissions at all.
    void let_remove() const { ::fchmodat(work.get(), "work", 0755, 0); }
};

}  // namespace

TEST_CASE("files that only lower layers have are copied up with their owners", "[emulation]") {
    Overlay overlay;
    EmulatedOptions options;
    options.known = {{"known", {12, 13}}, {"gone", {1, 1}}, {"gone/too", {1, 1}}};
    options.before = [&](const Report& report) { overlay.mount(report); };
    options.after = [&](const Report& report, const sandbox::FinalOwners& owners) {
        overlay.let_remove();
        const auto& paths = owners.paths;
        std::string all = "\n";
        // Copied up, it has another number in the upper layer than the mount shows; so its path is told.
        for (const auto& record : paths) all += record.path + " " + encode(record.owner) + "\n";
        EXPECT_TEXT(paths.size(), "5");
        EXPECT_TEXT(all.find("\nmoved 14:15\n") != std::string::npos, "true");
        EXPECT_TEXT(all.find("\ndirectory/later 16:17\n") != std::string::npos, "true");
        EXPECT_TEXT(all.find("\nlink 9:10\n") != std::string::npos, "true");
        EXPECT_TEXT(all.find("\nknown 12:13\n") != std::string::npos, "true");
        EXPECT_TEXT(all.find("\ndirectory/fifo 11:12\n") != std::string::npos, "true");
    };
    REQUIRE_EMULATED(
        [](const Report& report) {
            struct stat before, after;
            EXPECT_CALL(::stat("directory", &before), "0");
            EXPECT_CALL(::chown("file", 5, 6), "0");
            EXPECT_CALL(::lchown("link", 9, 10), "0");
            EXPECT_CALL(::chown("directory/fifo", 11, 12), "0");
            EXPECT_CALL(::chown("directory", 7, 8), "0");
            EXPECT_CALL(::stat("directory", &after), "0");
            EXPECT_CALL(::rename("to-be-moved", "moved"), "0");
            EXPECT_CALL(::lchown("moved", 14, 15), "0");
            EXPECT_TEXT(own_owner("moved"), "14:15");
            EXPECT_CALL(::lchown("moved-later", 16, 17), "0");
            EXPECT_CALL(::rename("moved-later", "directory/later"), "0");
            EXPECT_TEXT(own_owner("directory/later"), "16:17");
            EXPECT_TEXT(owner("file"), "5:6");
            EXPECT_TEXT(owner("directory"), "7:8");
            EXPECT_TEXT(own_owner("link"), "9:10");
            EXPECT_TEXT(own_owner("known"), "12:13");
            EXPECT_TEXT(owner_and_mode("directory/fifo"), "11:12 640");
            EXPECT_TEXT(before.st_mtim.tv_sec - after.st_mtim.tv_sec, "0");
            EXPECT_TEXT(before.st_mtim.tv_nsec - after.st_mtim.tv_nsec, "0");
        },
        options);
}
