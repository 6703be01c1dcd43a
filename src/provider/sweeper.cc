#include "gbuild/provider/sweeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <system_error>

#include "gbuild/base/error.h"

namespace gbuild::provider {

namespace {

// Commands that have not yet been killed may still write there.
void sweep(const std::filesystem::path& root, const std::filesystem::path& staging) {
    constexpr int most_turns = 100, pause = 50;  // milliseconds
    for (int turn = 0; turn < most_turns; turn++) {
        std::error_code ignored;
        if (turn > 0) ::poll(nullptr, 0, pause);
        { const store::Store next(root); }  // removes what the dead left
        if (!std::filesystem::exists(staging, ignored)) return;
    }
}

// Everything but the line is the other process's, above all its locks in the store.
void let_go_of_all_but(int line) {
    if (line > 3) ::syscall(SYS_close_range, 3U, static_cast<unsigned>(line) - 1, 0U);
    ::syscall(SYS_close_range, static_cast<unsigned>(line) + 1, ~0U, 0U);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++) ::dup2(null, fd);
}

[[noreturn]] void watch(int line, const std::filesystem::path& root, const std::filesystem::path& staging) {
    ::setsid();
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
    let_go_of_all_but(line);
    char word = 0;
    ssize_t size = 0;
    do {
        size = ::read(line, &word, 1);
    } while (size < 0 && errno == EINTR);
    try {
        if (size == 0) sweep(root, staging);
    } catch (const std::exception&) {
        ::_exit(1);
    }
    ::_exit(0);
}

}  // namespace

Sweeper::Sweeper(const store::Store& store) {
    const std::filesystem::path& root = store.root();
    const std::filesystem::path& staging = store.staging();
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("cannot create a pipe");
    const UniqueFd read(ends[0]);
    line_ = UniqueFd(ends[1]);
    process_ = ::fork();
    if (process_ < 0) throw_errno("cannot start a process");
    if (process_ == 0) watch(read.get(), root, staging);
}

Sweeper::~Sweeper() {
    [[maybe_unused]] const ssize_t written = ::write(line_.get(), "", 1);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace gbuild::provider
