// what is permitted is done to the file for which it was permitted, whatever its path leads to a moment later.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "emulated.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

// Directories "mine" and "theirs" with files of the same names; "way" is a link to one, then to the other, and so on.
class Swapping {
  public:
    Swapping() {
        if (::symlink("mine", "to-mine") != 0 || ::symlink("theirs", "to-theirs") != 0) throw_errno("symlink");
        if (::symlink("mine", "way") != 0) throw_errno("symlink");
        process_ = ::fork();
        if (process_ != 0) return;
        for (unsigned turn = 0;; turn++) {
            const char* target = turn % 2 == 0 ? "theirs" : "mine";
            ::unlink("next");
            static_cast<void>(::symlink(target, "next") + ::rename("next", "way"));
        }
    }
    Swapping(const Swapping&) = delete;
    Swapping& operator=(const Swapping&) = delete;
    ~Swapping() { ::kill(process_, SIGKILL); }

  private:
    pid_t process_ = 0;
};

std::string read_all(const char* path) {
    const UniqueFd file(::open(path, O_RDONLY));
    char bytes[32] = {};
    if (!file || ::read(file.get(), bytes, sizeof bytes - 1) < 0) return "";
    return bytes;
}

// This program, run again as "print which program you are, and who".
constexpr const char* which_variable = "GBUILD_TEST_WHICH";

[[gnu::constructor]] void say_which() {
    if (::getenv(which_variable) == nullptr) return;
    const std::string line =
        fmt::format("{} {}", ::geteuid(), std::filesystem::read_symlink("/proc/self/exe").string());
    static_cast<void>(::write(1, line.data(), line.size()));
    ::_exit(0);
}

// What the program at `path` says; "" when it cannot be executed.
std::string said_by(const char* path) {
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(write_end.get(), 1);
        std::string variable = std::string(which_variable) + "=1";
        char* arguments[] = {const_cast<char*>(path), nullptr};
        char* environment[] = {variable.data(), nullptr};
        ::execve(path, arguments, environment);
        ::_exit(1);
    }
    write_end.reset();
    std::string said = read_text(read_end.get(), 4096, "the program");
    ::waitpid(child, nullptr, 0);
    return said;
}

void make_files(const Report& report) {
    EXPECT_CALL(::mkdir("place", 0777), "0");
    EXPECT_CALL(::chmod("place", 0777), "0");
    EXPECT_CALL(::chdir("place"), "0");
    for (const char* directory : {"mine", "theirs"}) {
        EXPECT_CALL(::mkdir(directory, 0755), "0");
        for (const char* name : {"f", "gone", "moved"}) {
            write_file(fmt::format("{}/{}", directory, name), directory, 0600);
        }
    }
    EXPECT_CALL(::setxattr("theirs/f", "user.x", "theirs", 6, 0), "0");
    for (const char* path : {"mine", "mine/f", "mine/gone", "mine/moved"}) EXPECT_CALL(::chown(path, 1000, 100), "0");
}

}  // namespace

TEST_CASE("what a user may is done to the file that was looked at (X-8)", "[emulation]") {
    EmulatedOptions options;
    options.filter.check_reads = true;
    REQUIRE_EMULATED(
        [](const Report& report) {
            make_files(report);
            struct stat before;
            EXPECT_CALL(::stat("theirs/f", &before), "0");
            in_child([&] {
                become(1000, 100);
                const Swapping swapping;
                for (int turn = 0; turn < 400; turn++) {
                    EXPECT_TEXT(read_all("way/f") == "theirs", "false");
                    char value[8];
                    EXPECT_TEXT(::getxattr("way/f", "user.x", value, sizeof value) == 6, "false");
                    const UniqueFd written(::open("way/f", O_WRONLY | (turn % 2 == 0 ? O_TRUNC : 0)));
                    static_cast<void>(::chmod("way/f", 0666) + ::truncate("way/f", 0));
                    static_cast<void>(::utimensat(AT_FDCWD, "way/f", nullptr, 0) + ::unlink("way/gone"));
                    static_cast<void>(::rename("way/moved", "taken") + ::setxattr("way/f", "user.x", "", 0, 0));
                    static_cast<void>(::rename("taken", "mine/moved") + ::mkdir("way/made", 0777));
                }
                return true;
            });
            struct stat after;
            EXPECT_CALL(::stat("theirs/f", &after), "0");
            EXPECT_TEXT(read_all("theirs/f"), "theirs");
            EXPECT_TEXT(after.st_mode == before.st_mode, "true");
            EXPECT_TEXT(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec, "true");
            EXPECT_TEXT(read_all("theirs/gone"), "theirs");
            EXPECT_TEXT(read_all("theirs/moved"), "theirs");
            EXPECT_CALL(::access("theirs/made", F_OK), "ENOENT");
        },
        options);
}

TEST_CASE("a FIFO that is opened is the one that was looked at (X-8)", "[emulation]") {
    EmulatedOptions options;
    options.filter.check_reads = true;
    REQUIRE_EMULATED(
        [](const Report& report) {
            make_files(report);
            EXPECT_CALL(::mkfifo("mine/p", 0666), "0");
            EXPECT_CALL(::chmod("mine/p", 0666), "0");
            write_file("theirs/p", "theirs", 0600);
            in_child([&] {
                become(1000, 100);
                const Swapping swapping;
                for (int turn = 0; turn < 400; turn++) {
                    char bytes[8] = {};
                    const UniqueFd read_end(::open("way/p", O_RDONLY | O_NONBLOCK));
                    EXPECT_TEXT(read_end && ::read(read_end.get(), bytes, sizeof bytes) > 0, "false");
                    const UniqueFd both(::open("way/p", O_RDWR | O_NONBLOCK));
                    if (both) static_cast<void>(::write(both.get(), "x", 1));
                }
                return true;
            });
            EXPECT_TEXT(read_all("theirs/p"), "theirs");
        },
        options);
}

TEST_CASE("the ends of a FIFO wait for each other, and for signals", "[emulation]") {
    EmulatedOptions options;
    options.filter.check_reads = true;
    REQUIRE_EMULATED(
        [](const Report& report) {
            EXPECT_CALL(::chmod(".", 0777), "0");
            become(1000, 100);
            EXPECT_CALL(::mkfifo("p", 0600), "0");
            for (int turn = 0; turn < 20; turn++) {
                const pid_t writer = ::fork();
                if (writer == 0) {
                    const UniqueFd end(::open("p", O_WRONLY));
                    ::_exit(end && ::write(end.get(), "hello", 5) == 5 ? 0 : 1);
                }
                EXPECT_TEXT(read_all("p"), "hello");
                EXPECT_CALL(::waitpid(writer, nullptr, 0) == writer ? 0 : -1, "0");
            }
            // More of them than there are threads to wait, one after the other.
            for (int turn = 0; turn < 20; turn++) {
                const pid_t reader = ::fork();
                if (reader == 0) ::_exit(::open("p", O_RDONLY));
                ::kill(reader, SIGKILL);
                EXPECT_CALL(::waitpid(reader, nullptr, 0) == reader ? 0 : -1, "0");
            }
            struct sigaction action {};
            action.sa_handler = [](int) {};
            ::sigaction(SIGALRM, &action, nullptr);
            const itimerval often{{0, 20'000}, {0, 20'000}};
            ::setitimer(ITIMER_REAL, &often, nullptr);
            EXPECT_CALL(::open("p", O_RDONLY), "EINTR");
        },
        options);
}

TEST_CASE("the rights of a set-id program are that program's alone (X-8)", "[emulation]") {
    EmulatedOptions options;
    options.filter.check_reads = true;
    REQUIRE_EMULATED(
        [](const Report& report) {
            make_files(report);
            for (const char* path : {"mine/su", "theirs/su"}) std::filesystem::copy_file("/proc/self/exe", path);
            EXPECT_CALL(::chown("mine/su", 1000, 100), "0");
            EXPECT_CALL(::chmod("mine/su", 0755), "0");
            EXPECT_CALL(::chmod("theirs/su", 04755), "0");
            become(1000, 100);
            EXPECT_TEXT(said_by("theirs/su").starts_with("0 "), "true");
            EXPECT_TEXT(said_by("mine/su").starts_with("1000 "), "true");
            const Swapping swapping;
            for (int turn = 0; turn < 100; turn++) {
                const std::string said = said_by("way/su");
                EXPECT_TEXT(said.starts_with("0 ") && !said.ends_with("theirs/su"), "false");
            }
        },
        options);
}

TEST_CASE("what a user may is done as the kernel would do it", "[emulation]") {
    EmulatedOptions options;
    options.filter.check_reads = true;
    REQUIRE_EMULATED(
        [](const Report& report) {
            make_files(report);
            become(1000, 100);
            EXPECT_CALL(::chdir("mine"), "0");
            EXPECT_CALL(::mkdir("d", 0777), "0");
            EXPECT_CALL(::symlink("d", "l"), "0");
            EXPECT_CALL(::rmdir("l/"), "ENOTDIR");
            EXPECT_CALL(::rmdir("d/."), "EINVAL");
            EXPECT_CALL(::unlink("f/"), "ENOTDIR");
            EXPECT_CALL(::unlink("d"), "EISDIR");
            EXPECT_CALL(::unlink("none"), "ENOENT");
            EXPECT_CALL(::rename("f", "new/"), "ENOTDIR");
            EXPECT_CALL(::rename("d/", "e/"), "0");
            EXPECT_CALL(::rename("f", "e"), "EISDIR");
            EXPECT_CALL(::renameat2(AT_FDCWD, "f", AT_FDCWD, "gone", RENAME_NOREPLACE), "EEXIST");
            EXPECT_CALL(::renameat2(AT_FDCWD, "f", AT_FDCWD, "e", RENAME_EXCHANGE), "0");
            EXPECT_CALL(::renameat2(AT_FDCWD, "f", AT_FDCWD, "e", RENAME_EXCHANGE), "0");
            EXPECT_CALL(::link("l", "l2"), "0");
            EXPECT_TEXT(own_owner("l2"), "1000:100");
            EXPECT_CALL(::open("l", O_RDONLY | O_NOFOLLOW), "ELOOP");
            EXPECT_CALL(::open("f", O_RDONLY | O_DIRECTORY), "ENOTDIR");
            EXPECT_CALL(::open("e", O_WRONLY), "EISDIR");
            EXPECT_CALL(::open("e", O_RDONLY | O_CREAT, 0600), "EISDIR");
            timespec times[2] = {{5, 6}, {7, 8}};
            struct stat status;
            EXPECT_CALL(::utimensat(AT_FDCWD, "f", times, 0), "0");
            EXPECT_CALL(::stat("f", &status), "0");
            EXPECT_TEXT(fmt::format("{}.{} {}.{}", status.st_atim.tv_sec, status.st_atim.tv_nsec, status.st_mtim.tv_sec,
                                    status.st_mtim.tv_nsec),
                        "5.6 7.8");
            EXPECT_CALL(::utimensat(AT_FDCWD, "l2", times, AT_SYMLINK_NOFOLLOW), "0");
            EXPECT_CALL(::truncate("f", 3), "0");
            EXPECT_TEXT(read_all("f"), "min");
            EXPECT_CALL(::chmod("f", 02755), "0");
            EXPECT_TEXT(owner_and_mode("f"), "1000:100 2755");
            const UniqueFd named(::open("f", O_PATH));
            EXPECT_CALL(::fchmod(named.get(), 0600), "EBADF");
            EXPECT_TEXT(read_all("/proc/self/comm").empty(), "false");
            EXPECT_TEXT(read_all("/proc/self/environ") == read_all("/proc/1/environ"), "false");
            EXPECT_CALL(::open("/proc/1/environ", O_RDONLY), "EACCES");
            EXPECT_TEXT(::open("/dev/null", O_RDWR) >= 0, "true");
            char value[8];
            EXPECT_CALL(::setxattr("f", "user.y", "yes", 3, 0), "0");
            EXPECT_CALL(::getxattr("f", "user.y", value, sizeof value), "3");
            EXPECT_CALL(::removexattr("f", "user.y"), "0");
            EXPECT_CALL(::getxattr("f", "user.y", value, sizeof value), "ENODATA");
            EXPECT_CALL(::unlink("f"), "0");
        },
        options);
}

// The address sanitizer holds freed memory back for a while.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_IS_HELD_BACK
#endif
#endif

TEST_CASE("credentials that nobody has any more take no room (X-13)", "[emulation]") {
    EmulatedOptions options;
    options.after = [](const Report& report, const sandbox::FinalOwners&) {
#ifdef MEMORY_IS_HELD_BACK
        static_cast<void>(report);
#else
        std::string text = read_text_file("/proc/self/status", 8192);
        const long kilobytes = std::stol(text.substr(text.find("VmHWM:") + 6));
        EXPECT_TEXT(kilobytes < 96 * 1024, "true");
#endif
    };
    REQUIRE_EMULATED(
        [](const Report& report) {
            std::vector<gid_t> groups(65536);
            for (size_t i = 0; i < groups.size(); i++) groups[i] = static_cast<gid_t>(i);
            for (gid_t turn = 0; turn < 600; turn++) {
                groups.back() = 100'000 + turn;
                EXPECT_CALL(::setgroups(groups.size(), groups.data()), "0");
            }
            EXPECT_CALL(::getgroups(0, nullptr), "65536");
            EXPECT_CALL(::setgroups(1, groups.data()), "0");
            become(1000, 100);
            EXPECT_TEXT(identity(), "1000 1000 1000 / 100 100 100");
        },
        options);
}
