// nothing that the supervisor has open, runs or stands in is reached through its links in /proc, by any call.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "emulated.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

struct Attempt {
    const char* name;
    std::function<long(const std::string& link)> make;  // negative, with errno, when it is refused
};

long bind_to(const std::string& path) {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
}

long open2(const std::string& path, uint64_t flags, uint64_t resolve) {
    open_how how{};
    how.flags = flags;
    how.mode = (flags & O_CREAT) != 0 ? 0666 : 0;
    how.resolve = resolve;
    return ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
}

long execute(const std::string& path) {
    // Were it to succeed, the test would end early, and be missed.
    const char* arguments[] = {"x", nullptr};
    return ::execve(path.c_str(), const_cast<char**>(arguments), ::environ);
}

// Of what stands for a directory: what is made, changed and removed in it.
const std::vector<Attempt> inside = {
    {"open", [](const std::string& l) { return ::open((l + "/new").c_str(), O_CREAT | O_RDWR, 0666); }},
    {"open exclusively", [](const std::string& l) { return ::open((l + "/new").c_str(), O_CREAT | O_EXCL, 0666); }},
    {"open to write", [](const std::string& l) { return ::open((l + "/victim").c_str(), O_WRONLY); }},
    {"open to read", [](const std::string& l) { return ::open((l + "/victim").c_str(), O_RDONLY); }},
    {"open and empty", [](const std::string& l) { return ::open((l + "/victim").c_str(), O_RDONLY | O_TRUNC); }},
    {"open temporarily", [](const std::string& l) { return ::open(l.c_str(), O_TMPFILE | O_RDWR, 0666); }},
    {"openat2", [](const std::string& l) { return open2(l + "/new", O_CREAT | O_RDWR, 0); }},
    {"openat2 cached", [](const std::string& l) { return open2(l + "/victim", O_RDWR, RESOLVE_CACHED); }},
    {"openat2 on one device",
     [](const std::string& l) { return open2(l + "/new", O_CREAT | O_RDWR, RESOLVE_NO_XDEV); }},
    {"openat2 in root", [](const std::string& l) { return open2(l + "/new", O_CREAT | O_RDWR, RESOLVE_IN_ROOT); }},
    {"creat", [](const std::string& l) { return ::creat((l + "/new").c_str(), 0666); }},
    {"mkdir", [](const std::string& l) { return ::mkdir((l + "/new").c_str(), 0777); }},
    {"mkfifo", [](const std::string& l) { return ::mknod((l + "/new").c_str(), S_IFIFO | 0666, 0); }},
    {"mknod", [](const std::string& l) { return ::mknod((l + "/new").c_str(), S_IFCHR | 0666, makedev(1, 3)); }},
    {"symlink", [](const std::string& l) { return ::symlink("x", (l + "/new").c_str()); }},
    {"link to", [](const std::string& l) { return ::link("mine", (l + "/new").c_str()); }},
    {"link from", [](const std::string& l) { return ::link((l + "/victim").c_str(), "new"); }},
    {"rename to", [](const std::string& l) { return ::rename("mine", (l + "/new").c_str()); }},
    {"rename from", [](const std::string& l) { return ::rename((l + "/victim").c_str(), "new"); }},
    {"unlink", [](const std::string& l) { return ::unlink((l + "/victim").c_str()); }},
    {"rmdir", [](const std::string& l) { return ::rmdir((l + "/empty").c_str()); }},
    {"bind", [](const std::string& l) { return bind_to(l + "/new"); }},
    {"chdir", [](const std::string& l) { return ::chdir((l + "/empty").c_str()); }},
};

// Of a file of any kind.
const std::vector<Attempt> itself = {
    {"chown", [](const std::string& l) { return ::chown(l.c_str(), 1000, 100); }},
    {"lchown", [](const std::string& l) { return ::lchown((l + "/.").c_str(), 1000, 100); }},
    {"fchownat", [](const std::string& l) { return ::fchownat(AT_FDCWD, l.c_str(), 1000, 100, 0); }},
    {"chmod", [](const std::string& l) { return ::chmod(l.c_str(), 0600); }},
    {"truncate", [](const std::string& l) { return ::truncate(l.c_str(), 0); }},
    {"utimensat", [](const std::string& l) { return ::utimensat(AT_FDCWD, l.c_str(), nullptr, 0); }},
    {"setxattr", [](const std::string& l) { return ::setxattr(l.c_str(), "user.x", "x", 1, 0); }},
    {"setxattr trusted", [](const std::string& l) { return ::setxattr(l.c_str(), "trusted.x", "x", 1, 0); }},
    {"removexattr trusted", [](const std::string& l) { return ::removexattr(l.c_str(), "trusted.kept"); }},
    {"getxattr trusted", [](const std::string& l) { return ::getxattr(l.c_str(), "trusted.kept", nullptr, 0); }},
    {"listxattr", [](const std::string& l) { return ::listxattr(l.c_str(), nullptr, 0); }},
    {"access", [](const std::string& l) { return ::access(l.c_str(), R_OK); }},
    {"stat",
     [](const std::string& l) {
         struct stat status;
         return ::stat(l.c_str(), &status);
     }},
    {"open to read", [](const std::string& l) { return ::open(l.c_str(), O_RDONLY); }},
    {"open to write", [](const std::string& l) { return ::open(l.c_str(), O_WRONLY); }},
    {"link", [](const std::string& l) { return ::linkat(AT_FDCWD, l.c_str(), AT_FDCWD, "new", AT_SYMLINK_FOLLOW); }},
    {"execve", [](const std::string& l) { return execute(l); }},
    {"chroot", [](const std::string& l) { return ::chroot(l.c_str()); }},
};

// As steps are: less than the supervisor.
void drop_some_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2]{};
    if (::syscall(SYS_capget, &header, sets) != 0) throw_errno("capget");
    for (auto* word : {&sets[0].permitted, &sets[0].effective}) {
        *word &= ~(1U << CAP_SYS_ADMIN | 1U << CAP_SYS_PTRACE);
    }
    for (auto& set : sets) set.inheritable = 0;
    if (::syscall(SYS_capset, &header, sets) != 0) throw_errno("capset");
}

// Of the supervisor and of each of its threads.
std::vector<std::string> links_of_supervisor() {
    std::vector<std::string> links;
    std::vector<std::string> directories = {"/proc/1", "/proc/self/../1", "/proc/1/task/1", "/proc/1/fd/..", "via"};
    for (int thread = 2; thread < 40; thread++) {
        const std::string path = fmt::format("/proc/1/task/{}", thread);
        if (::access(path.c_str(), F_OK) != 0) continue;
        directories.push_back(path);
        directories.push_back(fmt::format("/proc/{}", thread));
    }
    for (const std::string& directory : directories) {
        for (const char* name : {"cwd", "root", "exe", "ns/mnt", "fd/0"}) links.push_back(directory + "/" + name);
    }
    for (int number = 1; number < 64; number++) links.push_back(fmt::format("/proc/1/fd/{}", number));
    return links;
}

void attempt_all(const Report& report, const std::vector<Attempt>& attempts, const std::string& link) {
    for (const Attempt& attempt : attempts) {
        if (attempt.make(link) < 0) continue;
        report.equal(attempt.name, "refused", link.c_str(), __LINE__);
        return;
    }
}

std::string what_is_there() {
    std::string found = owner_and_mode("outside");
    for (const auto& entry : std::filesystem::recursive_directory_iterator("outside")) {
        const std::string path = entry.path();
        found += fmt::format(" {} {} {}", path, owner_and_mode(path), ::listxattr(path.c_str(), nullptr, 0));
    }
    return found;
}

void try_everything(uint32_t uid) {
    EmulatedOptions options;
    options.filter.check_reads = true;
    std::string before;
    options.before = [&](const Report& report) {
        EXPECT_CALL(::mkdir("outside", 0777), "0");
        EXPECT_CALL(::mkdir("outside/empty", 0777), "0");
        write_file("outside/victim", "text", 0666);
        for (const char* path : {"outside", "outside/empty", "outside/victim"}) EXPECT_CALL(::chmod(path, 0777), "0");
        // Stays open in the supervisor, as what a build has open would.
        EXPECT_TEXT(::open("outside", O_PATH | O_DIRECTORY) > 0, "true");
        EXPECT_TEXT(::open("outside/victim", O_RDWR) > 0, "true");
        EXPECT_CALL(::symlink("/proc/1", "via"), "0");
        before = what_is_there();
        EXPECT_CALL(::chdir("outside"), "0");
    };
    options.after = [&](const Report& report, const sandbox::FinalOwners&) {
        EXPECT_CALL(::chdir(".."), "0");
        EXPECT_TEXT(what_is_there(), before);
    };
    REQUIRE_EMULATED(
        [&](const Report& report) {
            EXPECT_CALL(::chdir(".."), "0");
            EXPECT_CALL(::mkdir("mine-alone", 0777), "0");
            EXPECT_CALL(::chmod("mine-alone", 0777), "0");
            drop_some_capabilities();
            if (uid != 0) become(uid, 100);
            write_file("mine-alone/mine", "mine");
            EXPECT_CALL(::chdir("mine-alone"), "0");
            EXPECT_CALL(::symlink("/proc/1", "via"), "0");
            for (const std::string& link : links_of_supervisor()) {
                attempt_all(report, inside, link);
                attempt_all(report, itself, link);
            }
            // Its own are its own.
            UniqueFd here(::open(".", O_PATH | O_DIRECTORY));
            EXPECT_TEXT(::open("/proc/self/cwd/made", O_CREAT | O_WRONLY, 0666) >= 0, "true");
            EXPECT_CALL(::mkdir(fmt::format("/proc/self/fd/{}/made-too", here.get()).c_str(), 0777), "0");
            EXPECT_CALL(::chmod(fmt::format("/proc/{}/task/{}/cwd/made", ::getpid(), ::gettid()).c_str(), 0600), "0");
            EXPECT_TEXT(owner_and_mode("made"), fmt::format("{}:{} 600", uid, uid == 0 ? 0 : 100));
        },
        options);
}

}  // namespace

TEST_CASE("root does not reach what the supervisor has", "[emulation]") { try_everything(0); }

TEST_CASE("a user does not reach what the supervisor has", "[emulation]") { try_everything(1000); }

TEST_CASE("what another process has is reached by its like alone", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("d", 0777), "0");
        EXPECT_CALL(::chmod("d", 0777), "0");
        int ends[2];
        EXPECT_CALL(::pipe(ends), "0");
        const pid_t sleeping = ::fork();
        if (sleeping == 0) {
            become(1000, 100);
            static_cast<void>(::chdir("d"));
            static_cast<void>(::write(ends[1], "x", 1));
            for (;;) ::pause();
        }
        char byte = 0;
        EXPECT_CALL(::read(ends[0], &byte, 1), "1");
        const std::string theirs = fmt::format("/proc/{}/cwd/", sleeping);
        auto made_by = [&](uint32_t uid, const char* name) {
            std::string result;
            in_child([&] {
                if (uid != 0) become(uid, 100);
                result = outcome(::mkdir((theirs + name).c_str(), 0777));
                report.equal(result, uid == 1001 ? "EACCES" : "0", name, __LINE__);
                return true;
            });
        };
        made_by(0, "by-root");
        made_by(1000, "by-the-same");
        made_by(1001, "by-another");
        EXPECT_CALL(::kill(sleeping, SIGKILL), "0");
    });
}

TEST_CASE("openat2 keeps to what it was told", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("d", 0777), "0");
        EXPECT_CALL(::mkdir("d/closed", 0700), "0");
        EXPECT_CALL(::chmod("d", 0777), "0");
        EXPECT_CALL(::symlink("..", "d/up"), "0");
        EXPECT_CALL(::symlink("/x", "d/absolute"), "0");
        write_file("d/closed/f", "secret");
        become(1000, 100);
        EXPECT_CALL(::chdir("d"), "0");
        constexpr uint64_t makes = O_CREAT | O_RDWR;
        EXPECT_CALL(open2("../x", makes, RESOLVE_BENEATH), "EXDEV");
        EXPECT_CALL(open2("up/x", makes, RESOLVE_BENEATH), "EXDEV");
        EXPECT_CALL(open2("absolute", makes, RESOLVE_BENEATH), "EXDEV");
        EXPECT_CALL(open2("/x", makes, RESOLVE_BENEATH), "EXDEV");
        EXPECT_CALL(open2("up/x", makes, RESOLVE_NO_SYMLINKS), "ELOOP");
        EXPECT_CALL(open2("/proc/self/cwd/x", makes, RESOLVE_NO_MAGICLINKS), "ELOOP");
        EXPECT_CALL(open2("/dev/shm/x", makes, RESOLVE_NO_XDEV), "EXDEV");
        EXPECT_CALL(open2("x", makes, RESOLVE_CACHED), "EAGAIN");
        EXPECT_CALL(open2("closed/f", O_RDONLY, RESOLVE_BENEATH), "EACCES");
        EXPECT_TEXT(open2("absolute", makes, RESOLVE_IN_ROOT) >= 0, "true");
        EXPECT_TEXT(owner("x"), "1000:100");
        EXPECT_TEXT(open2("up/up/y", makes, RESOLVE_IN_ROOT) >= 0, "true");
        EXPECT_TEXT(owner("y"), "1000:100");
        EXPECT_TEXT(open2("x", O_RDWR, RESOLVE_BENEATH) >= 0, "true");
    });
}
