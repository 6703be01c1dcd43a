// Who a process is: set*id(2), capabilities, set-user-id programs, and what others see.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include "emulated.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

std::string group_list() {
    gid_t groups[64];
    int count = ::getgroups(64, groups);
    if (count < 0) return outcome(-1);
    std::string list;
    for (int i = 0; i < count; ++i) list += fmt::format("{} ", groups[i]);
    return list;
}

struct Capabilities {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2]{};
    long get() { return ::syscall(SYS_capget, &header, sets); }
    long set() { return ::syscall(SYS_capset, &header, sets); }
};

// This program, run again as "print what you are".
constexpr const char* probe_variable = "GBUILD_TEST_PROBE";

// What a program in another file says of itself, started by execve.
std::string run_probe(const std::string& program) {
    int ends[2];
    if (::pipe(ends) != 0) return outcome(-1);
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    pid_t child = ::fork();
    if (child == 0) {
        ::dup2(write_end.get(), 1);
        std::string variable = std::string(probe_variable) + "=1";
        char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
        char* environment[] = {variable.data(), nullptr};
        ::execve(program.c_str(), arguments, environment);
        write_all(1, outcome(-1));
        ::_exit(0);
    }
    write_end.reset();
    return read_text(read_end.get(), 4096, "the probe");
}

// Before main, in the program that run_probe started.
[[gnu::constructor]] void answer_as_probe() {
    if (::getenv(probe_variable) == nullptr) return;
    std::string line = identity();
    Capabilities own;
    if (own.get() == 0 && ::geteuid() != 0 && own.sets[0].effective != 0) {
        line += fmt::format(" {:x}", own.sets[0].effective);
    }
    static_cast<void>(::write(1, line.data(), line.size()));
    ::_exit(0);
}

void copy_self(const std::string& to, mode_t mode) {
    std::filesystem::copy_file("/proc/self/exe", to, std::filesystem::copy_options::overwrite_existing);
    ::chmod(to.c_str(), mode);
}

}  // namespace

TEST_CASE("root becomes somebody and cannot come back", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_TEXT(identity(), "0 0 0 / 0 0 0");
        EXPECT_TEXT(group_list(), "0 ");
        gid_t groups[] = {8, 7};
        EXPECT_CALL(::setgroups(2, groups), "0");
        EXPECT_TEXT(group_list(), "7 8 ");
        EXPECT_CALL(::setgroups(100000, groups), "EINVAL");
        EXPECT_CALL(::setgid(100), "0");
        EXPECT_CALL(::setuid(1000), "0");
        EXPECT_TEXT(identity(), "1000 1000 1000 / 100 100 100");
        EXPECT_CALL(::setuid(0), "EPERM");
        EXPECT_CALL(::seteuid(0), "EPERM");
        EXPECT_CALL(::setgid(0), "EPERM");
        EXPECT_CALL(::setreuid(0, 0), "EPERM");
        EXPECT_CALL(::setresuid(0, 0, 0), "EPERM");
        EXPECT_CALL(::setgroups(0, nullptr), "EPERM");
        EXPECT_CALL(::setfsuid(0), "1000");
        EXPECT_CALL(::setfsuid(static_cast<uid_t>(-1)), "1000");
        EXPECT_CALL(::setuid(static_cast<uid_t>(-1)), "EINVAL");
        EXPECT_CALL(::setuid(1000), "0");
        EXPECT_CALL(::setresgid(100, 100, 100), "0");
        bool same = in_child([&] {
            EXPECT_TEXT(identity(), "1000 1000 1000 / 100 100 100");
            EXPECT_TEXT(group_list(), "7 8 ");
            return true;
        });
        EXPECT_TEXT(same, "true");
        EXPECT_CALL(::getgroups(0, nullptr), "2");
        EXPECT_CALL(::getgroups(1, groups), "EINVAL");
    });
}

TEST_CASE("ids can be changed for a while", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::setegid(100), "0");
        EXPECT_CALL(::seteuid(1000), "0");
        EXPECT_TEXT(identity(), "0 1000 0 / 0 100 0");
        EXPECT_CALL(::setgroups(0, nullptr), "EPERM");
        EXPECT_CALL(::seteuid(0), "0");
        EXPECT_CALL(::setegid(0), "0");
        EXPECT_TEXT(identity(), "0 0 0 / 0 0 0");
        EXPECT_CALL(::mkdir("shared", 0777), "0");
        EXPECT_CALL(::chmod("shared", 0777), "0");
        EXPECT_CALL(::setfsuid(55), "0");
        EXPECT_CALL(::open("f", O_CREAT | O_WRONLY, 0644), "EACCES");
        write_file("shared/f", "");
        EXPECT_TEXT(owner("shared/f"), "55:0");
        EXPECT_CALL(::setfsuid(0), "55");
        EXPECT_CALL(::setreuid(5, 6), "0");
        EXPECT_TEXT(identity(), "5 6 6 / 0 0 0");
        EXPECT_CALL(::setreuid(6, 5), "0");
        EXPECT_TEXT(identity(), "6 5 5 / 0 0 0");
        EXPECT_CALL(::setresuid(static_cast<uid_t>(-1), 6, static_cast<uid_t>(-1)), "0");
        EXPECT_TEXT(identity(), "6 6 5 / 0 0 0");
    });
}

TEST_CASE("capabilities go with root's id, unless kept", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        Capabilities full;
        EXPECT_CALL(full.get(), "0");
        EXPECT_TEXT(full.sets[0].effective != 0, "true");
        in_child([&] {
            become(1000, 1000);
            Capabilities none;
            EXPECT_CALL(none.get(), "0");
            EXPECT_TEXT(none.sets[0].effective | none.sets[0].permitted, "0");
            none.sets[0].permitted = none.sets[0].effective = 1U << CAP_CHOWN;
            EXPECT_CALL(none.set(), "EPERM");
            EXPECT_CALL(::chown("f", 5, 5), "EPERM");
            return true;
        });
        in_child([&] {
            EXPECT_CALL(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "0");
            EXPECT_CALL(::prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), "1");
            EXPECT_CALL(::setuid(1000), "0");
            Capabilities kept;
            EXPECT_CALL(kept.get(), "0");
            EXPECT_TEXT(kept.sets[0].permitted == full.sets[0].permitted, "true");
            EXPECT_TEXT(kept.sets[0].effective, "0");
            EXPECT_CALL(::chown("f", 5, 5), "EPERM");
            kept.sets[0].permitted = kept.sets[0].effective = 1U << CAP_CHOWN;
            kept.sets[1] = {};
            EXPECT_CALL(kept.set(), "0");
            EXPECT_CALL(::chown("f", 5, 5), "0");
            EXPECT_CALL(::setuid(0), "EPERM");
            return true;
        });
        EXPECT_TEXT(owner("f"), "5:5");
        in_child([&] {
            EXPECT_CALL(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "0");
            Capabilities all = full;
            EXPECT_CALL(all.set(), "0");
            EXPECT_CALL(::setresuid(1000, 1000, 1000), "0");
            EXPECT_CALL(::setresgid(100, 100, 100), "EPERM");
            EXPECT_CALL(all.set(), "0");
            EXPECT_CALL(::setresgid(100, 100, 100), "0");
            EXPECT_TEXT(identity(), "1000 1000 1000 / 100 100 100");
            return true;
        });
        EXPECT_CALL(::prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0), "1");
    });
}

TEST_CASE("a step can start as somebody", "[emulation]") {
    EmulatedOptions options;
    options.identity = {1000, 100, {7, 8}};
    options.filter.check_reads = true;
    options.before = [](const Report&) {
        write_file("secret", "", 0600);
        write_file("public", "", 0644);
    };
    REQUIRE_EMULATED(
        [](const Report& report) {
            EXPECT_TEXT(identity(), "1000 1000 1000 / 100 100 100");
            EXPECT_TEXT(group_list(), "7 8 ");
            EXPECT_CALL(::setuid(0), "EPERM");
            EXPECT_CALL(::open("secret", O_RDONLY), "EACCES");
            EXPECT_CALL(::close(::open("public", O_RDONLY)), "0");
            EXPECT_CALL(::open("public", O_WRONLY), "EACCES");
        },
        options);
}

TEST_CASE("the limit that carries the credentials is not seen", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        become(1000, 100);
        rlimit limit{1, 1};
        EXPECT_CALL(::getrlimit(RLIMIT_RTTIME, &limit), "0");
        EXPECT_TEXT(limit.rlim_cur == RLIM_INFINITY && limit.rlim_max == RLIM_INFINITY, "true");
        limit = {1000, 1000};
        EXPECT_CALL(::setrlimit(RLIMIT_RTTIME, &limit), "0");
        EXPECT_CALL(::syscall(SYS_setrlimit, RLIMIT_RTTIME, &limit), "0");
        EXPECT_CALL(::syscall(SYS_getrlimit, RLIMIT_RTTIME, &limit), "0");
        EXPECT_TEXT(limit.rlim_cur == RLIM_INFINITY, "true");
        EXPECT_TEXT(identity(), "1000 1000 1000 / 100 100 100");
    });
}

TEST_CASE("a set-user-id program gets its file's recorded owner", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        copy_self("plain", 0755);
        copy_self("su", 0755);
        EXPECT_CALL(::chmod("su", 04755), "0");
        copy_self("other", 0755);
        EXPECT_CALL(::chown("other", 33, 34), "0");
        EXPECT_CALL(::chmod("other", 06755), "0");
        copy_self("group", 0755);
        EXPECT_CALL(::chown("group", 0, 43), "0");
        EXPECT_CALL(::chmod("group", 02755), "0");
        copy_self("private", 0700);
        write_file("script", "#!" + std::filesystem::current_path().string() + "/plain\n", 0755);
        EXPECT_CALL(::chmod("script", 04755), "0");
        EXPECT_TEXT(run_probe("./plain"), "0 0 0 / 0 0 0");
        EXPECT_TEXT(run_probe("./group"), "0 0 0 / 0 43 43");
        EXPECT_TEXT(run_probe("./other"), "0 33 33 / 0 34 34");
        become(1000, 100);
        EXPECT_TEXT(run_probe("./plain"), "1000 1000 1000 / 100 100 100");
        EXPECT_TEXT(run_probe("./su"), "1000 0 0 / 100 100 100");
        EXPECT_TEXT(run_probe("./other"), "1000 33 33 / 100 34 34");
        EXPECT_TEXT(run_probe("./script"), "1000 1000 1000 / 100 100 100");
        EXPECT_TEXT(run_probe("./private"), "EACCES");
        EXPECT_TEXT(run_probe("./nope"), "ENOENT");
        EXPECT_TEXT(run_probe("."), "EACCES");
        in_child([&] {
            EXPECT_CALL(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "0");
            EXPECT_TEXT(run_probe("./su"), "1000 1000 1000 / 100 100 100");
            return true;
        });
    });
}

TEST_CASE("a program's file capabilities are those of who executes it", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        copy_self("able", 0755);
        vfs_cap_data data{};
        data.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
        data.data[0].permitted = 1U << CAP_CHOWN | 1U << CAP_SETUID;
        EXPECT_CALL(::setxattr("able", "security.capability", &data, XATTR_CAPS_SZ_2, 0), "0");
        EXPECT_TEXT(run_probe("./able"), "0 0 0 / 0 0 0");
        become(1000, 100);
        EXPECT_TEXT(run_probe("./able"), "1000 1000 1000 / 100 100 100 81");
        EXPECT_CALL(::chown("able", 1000, 100), "EPERM");
        in_child([&] {
            EXPECT_CALL(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "0");
            EXPECT_TEXT(run_probe("./able"), "1000 1000 1000 / 100 100 100");
            return true;
        });
    });
}

TEST_CASE("an execution makes the effective ids the saved ones", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        copy_self("plain", 0755);
        EXPECT_CALL(::setresuid(1000, 1000, 0), "0");
        EXPECT_TEXT(run_probe("./plain"), "1000 1000 1000 / 0 0 0");
        EXPECT_TEXT(identity(), "1000 1000 0 / 0 0 0");
    });
}

TEST_CASE("a process signals its user's processes and no others", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        const pid_t root = ::getpid();
        const UniqueFd root_descriptor(static_cast<int>(::syscall(SYS_pidfd_open, root, 0)));
        EXPECT_CALL(::kill(root, 0), "0");
        in_child([&] {
            become(1000, 100);
            siginfo_t info{};
            info.si_code = SI_QUEUE;
            EXPECT_CALL(::kill(root, 0), "EPERM");
            EXPECT_CALL(::syscall(SYS_tkill, root, 0), "EPERM");
            EXPECT_CALL(::syscall(SYS_tgkill, root, root, 0), "EPERM");
            EXPECT_CALL(::syscall(SYS_rt_sigqueueinfo, root, SIGTERM, &info), "EPERM");
            EXPECT_CALL(::syscall(SYS_pidfd_send_signal, root_descriptor.get(), 0, nullptr, 0), "EPERM");
            EXPECT_CALL(::kill(99999, 0), "ESRCH");
            EXPECT_CALL(::kill(::getpid(), 0), "0");
            const pid_t child = ::fork();
            if (child == 0) {
                for (;;) ::pause();
            }
            const UniqueFd descriptor(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
            EXPECT_CALL(::syscall(SYS_pidfd_send_signal, descriptor.get(), SIGKILL, nullptr, 0), "0");
            EXPECT_CALL(::waitpid(child, nullptr, 0) == child, "1");
            return true;
        });
    });
}

TEST_CASE("a bound socket is its creator's", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        EXPECT_CALL(::mkdir("d", 0777), "0");
        EXPECT_CALL(::chmod("d", 0777), "0");
        become(1000, 100);
        auto bind_to = [](const char* path) {
            UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_un address{AF_UNIX, ""};
            std::strcpy(address.sun_path, path);
            int result = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
            if (result != 0) return outcome(result);
            socklen_t size = sizeof address;
            ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
            return std::string(address.sun_path);
        };
        EXPECT_TEXT(bind_to("d/socket"), "socket");  // found by its directory, not by its path
        EXPECT_TEXT(owner_and_mode("d/socket"), "1000:100 755");
        EXPECT_TEXT(bind_to("d/socket"), "EADDRINUSE");
        EXPECT_TEXT(bind_to("socket"), "EACCES");
        EXPECT_CALL(::chdir("d"), "0");
        EXPECT_TEXT(bind_to("other"), "other");
        EXPECT_TEXT(owner("other"), "1000:100");
    });
}

TEST_CASE("a socket's peer is who it is emulated to be", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        sockaddr_un address{AF_UNIX, "socket"};
        UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        auto* name = reinterpret_cast<sockaddr*>(&address);
        EXPECT_CALL(::bind(listening.get(), name, sizeof address), "0");
        EXPECT_CALL(::chmod("socket", 0777), "0");
        EXPECT_CALL(::listen(listening.get(), 1), "0");
        int wait_for[2];
        EXPECT_CALL(::pipe(wait_for), "0");
        pid_t child = ::fork();
        if (child == 0) {
            ::close(wait_for[1]);
            become(1000, 100);
            UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
            EXPECT_CALL(::connect(client.get(), name, sizeof address), "0");
            char byte;
            static_cast<void>(::read(wait_for[0], &byte, 1));
            ::_exit(0);
        }
        UniqueFd accepted(::accept(listening.get(), nullptr, nullptr));
        ucred peer{};
        socklen_t size = sizeof peer;
        EXPECT_CALL(::getsockopt(accepted.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size), "0");
        EXPECT_TEXT(peer.pid == child, "true");
        EXPECT_TEXT(fmt::format("{}:{} {}", peer.uid, peer.gid, size), "1000:100 12");
        EXPECT_CALL(::getsockopt(99, SOL_SOCKET, SO_PEERCRED, &peer, &size), "EBADF");
        EXPECT_CALL(::getsockopt(0, SOL_SOCKET, SO_PEERCRED, &peer, &size), "ENOTSOCK");
        int value;
        size = sizeof value;
        EXPECT_CALL(::getsockopt(accepted.get(), SOL_SOCKET, SO_TYPE, &value, &size), "0");
        ::close(wait_for[1]);
        ::close(wait_for[0]);
    });
}
