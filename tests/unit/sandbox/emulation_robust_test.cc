// Other interfaces, many callers at once, signals, and what must not get past the filter.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "emulated.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

using namespace gbuild;
using namespace gbuild::test;

namespace {

// Memory that i386 calls can name.
class LowMemory {
  public:
    LowMemory() {
        memory_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        if (memory_ == MAP_FAILED) throw_errno("mmap");
    }
    LowMemory(const LowMemory&) = delete;
    LowMemory& operator=(const LowMemory&) = delete;
    ~LowMemory() { ::munmap(memory_, size); }

    template <class T>
    T* at(size_t offset) const {
        return reinterpret_cast<T*>(static_cast<char*>(memory_) + offset);
    }
    const char* put(const char* text) const { return std::strcpy(at<char>(0), text); }

  private:
    static constexpr size_t size = 4096;
    void* memory_;
};

uint32_t low(const void* pointer) { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pointer)); }

long i386_call(uint32_t number, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0) {
    long result;
    asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    int narrow = static_cast<int>(result);
    if (narrow >= 0 || narrow < -4095) return narrow;
    errno = -narrow;
    return -1;
}

// Kernels can be without these calls.
bool have_i386() {
    return in_child([] { return i386_call(20) == ::getpid(); });  // getpid
}

void do_nothing(int) {}

}  // namespace

TEST_CASE("i386 programs have the same owners and ids", "[emulation]") {
    if (!have_i386()) {
        WARN("skipped: this kernel has no i386 calls");
        return;
    }
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        LowMemory memory;
        uint32_t path = low(memory.put("f"));
        EXPECT_CALL(i386_call(212, path, 77, 70000), "0");  // chown32
        EXPECT_TEXT(owner("f"), "77:70000");
        EXPECT_CALL(i386_call(182, path, 65535, 9), "0");  // chown
        EXPECT_TEXT(owner("f"), "77:9");
        EXPECT_CALL(i386_call(182, path, 0x20005, 0x1ffff), "0");
        EXPECT_TEXT(owner("f"), "5:9");
        EXPECT_CALL(i386_call(212, path, 70000, 9), "0");
        auto* stat64 = memory.at<uint32_t>(256);
        EXPECT_CALL(i386_call(195, path, low(stat64)), "0");  // stat64
        EXPECT_TEXT(fmt::format("{}:{} {:o}", stat64[6], stat64[7], stat64[4]), "70000:9 100644");
        struct stat st;
        EXPECT_CALL(::stat("f", &st), "0");
        EXPECT_TEXT(*memory.at<uint64_t>(256 + 88) == st.st_ino, "true");
        auto* narrow = memory.at<uint16_t>(512);
        EXPECT_CALL(i386_call(106, path, low(narrow)), "0");  // stat
        EXPECT_TEXT(fmt::format("{}:{} {:o}", narrow[6], narrow[7], narrow[4]), "65534:9 100644");
        EXPECT_CALL(i386_call(18, path, low(narrow)), "0");  // oldstat
        EXPECT_TEXT(fmt::format("{}:{} {:o}", narrow[4], narrow[5], narrow[2]), "65534:9 100644");
        auto* groups = memory.at<uint16_t>(1024);
        groups[0] = 7;
        groups[1] = 8;
        EXPECT_CALL(i386_call(81, 2, low(groups)), "0");  // setgroups
        auto* wide = memory.at<uint32_t>(1100);
        EXPECT_CALL(i386_call(205, 10, low(wide)), "2");  // getgroups32
        EXPECT_TEXT(fmt::format("{} {}", wide[0], wide[1]), "7 8");
        EXPECT_CALL(i386_call(170, static_cast<uint32_t>(-1), 100, 100), "0");  // setresgid
        EXPECT_CALL(i386_call(213, 70000), "0");                                // setuid32
        EXPECT_CALL(i386_call(24), "65534");                                    // getuid
        EXPECT_CALL(i386_call(199), "70000");                                   // getuid32
        EXPECT_TEXT(identity(), "70000 70000 70000 / 0 100 100");
        EXPECT_CALL(i386_call(23, 0), "EPERM");  // setuid
        int pair[2];
        EXPECT_CALL(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "0");
        auto* peer = memory.at<uint32_t>(1200);
        *memory.at<uint32_t>(1300) = 12;
        uint32_t request[] = {static_cast<uint32_t>(pair[0]), SOL_SOCKET, SO_PEERCRED, low(peer), low(peer) + 100};
        std::memcpy(memory.at<char>(1400), request, sizeof request);
        EXPECT_CALL(i386_call(102, 15, low(memory.at<char>(1400))), "0");  // socketcall(getsockopt)
        EXPECT_TEXT(fmt::format("{}:{}", peer[1], peer[2]), "70000:100");
        memory.put("new");
        EXPECT_CALL(i386_call(5, path, O_CREAT | O_WRONLY, 0600), "EACCES");  // open
    });
}

TEST_CASE("a second listener is refused, a plain filter is not", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
        sock_fprog program{1, allow};
        EXPECT_CALL(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program),
                    "EBUSY");
        EXPECT_CALL(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "0");
        write_file("f", "");
        EXPECT_CALL(::chown("f", 5, 6), "0");
        EXPECT_TEXT(owner("f"), "5:6");
    });
}

TEST_CASE("calls that would get past the filter are missing", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        char parameters[200] = {};
        EXPECT_CALL(::syscall(425, 1, parameters), "ENOSYS");                     // io_uring_setup
        EXPECT_CALL(::syscall(452, AT_FDCWD, ".", 0755, 0), "ENOSYS");            // fchmodat2
        EXPECT_CALL(::syscall(463, AT_FDCWD, ".", 0, "user.x"), "ENOSYS");        // setxattrat
        EXPECT_CALL(::syscall(469, AT_FDCWD, ".", parameters, 24, 0), "ENOSYS");  // file_setattr
        EXPECT_CALL(::syscall(SYS_open_by_handle_at, AT_FDCWD, parameters, O_RDONLY), "EPERM");
    });
}

TEST_CASE("signals do not make calls happen twice or not at all", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        UniqueFd fd = open_file("f", O_RDWR);
        struct sigaction action {};
        action.sa_handler = do_nothing;
        action.sa_flags = SA_RESTART;
        EXPECT_CALL(::sigaction(SIGALRM, &action, nullptr), "0");
        itimerval often{{0, 100}, {0, 100}}, never{};
        EXPECT_CALL(::setitimer(ITIMER_REAL, &often, nullptr), "0");
        int bad = 0;
        for (unsigned i = 0; i < 1000; ++i) {
            std::string name = fmt::format("device{}", i);
            bad += ::fchown(fd.get(), i % 7, 3) != 0;
            bad += ::mknod(name.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0;
            bad += ::unlink(name.c_str()) != 0;
        }
        EXPECT_CALL(::setitimer(ITIMER_REAL, &never, nullptr), "0");
        EXPECT_TEXT(bad, "0");
        EXPECT_TEXT(owner("f"), "5:3");
    });
}

TEST_CASE("many processes at once have each their own", "[emulation]") {
    EmulatedOptions options;
    options.threads = 3;
    REQUIRE_EMULATED(
        [](const Report& report) {
            EXPECT_CALL(::mkdir("d", 0777), "0");
            EXPECT_CALL(::chmod("d", 0777), "0");
            for (uint32_t k = 0; k < 8; ++k) {
                pid_t child = ::fork();
                if (child != 0) continue;
                int errors = 0;
                if (k % 2 != 0) become(1000 + k, 100);
                for (uint32_t i = 0; i < 500; ++i) {
                    std::string name = fmt::format("d/{}-{}", k, i);
                    UniqueFd fd(::open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0644));
                    if (k % 2 == 0) errors += ::fchown(fd.get(), 1000 + k, i) != 0;
                    std::string expected = fmt::format("{}:{}", 1000 + k, k % 2 == 0 ? i : 100);
                    errors += owner(fd.get()) != expected || owner(name) != expected;
                }
                ::_exit(errors == 0 ? 0 : 1);
            }
            int status, failed = 0;
            while (::wait(&status) > 0) failed += status != 0;
            EXPECT_TEXT(failed, "0");
        },
        options);
}

TEST_CASE("processes that are killed in a call do no harm", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        write_file("f", "");
        for (unsigned i = 0; i < 50; ++i) {
            int ready[2];
            EXPECT_CALL(::pipe(ready), "0");
            pid_t child = ::fork();
            if (child == 0) {
                static_cast<void>(::write(ready[1], "x", 1));
                for (;;) static_cast<void>(::chown("f", 5, i) + ::close(::creat("g", 0644)));
            }
            char byte;
            EXPECT_CALL(::read(ready[0], &byte, 1), "1");
            EXPECT_CALL(::kill(child, SIGKILL), "0");
            EXPECT_TEXT(::waitpid(child, nullptr, 0) == child, "true");
            ::close(ready[0]);
            ::close(ready[1]);
        }
        EXPECT_CALL(::chown("f", 7, 8), "0");
        EXPECT_TEXT(owner("f"), "7:8");
    });
}

TEST_CASE("threads share who they are", "[emulation]") {
    REQUIRE_EMULATED([](const Report& report) {
        std::string in_thread;
        bool good = in_child([&] {
            become(1000, 100);
            std::thread([&] { in_thread = identity(); }).join();
            EXPECT_TEXT(in_thread, "1000 1000 1000 / 100 100 100");
            return true;
        });
        EXPECT_TEXT(good, "true");
    });
}
