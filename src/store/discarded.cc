#include "discarded.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/remove_tree.h"

namespace gbuild::store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view discarded_prefix = "discarded-";
// On a disk with much to do each takes milliseconds.
constexpr size_t few_entries = 1000;

bool is_real_directory(const fs::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<fs::path> discarded_in(const fs::path& tmp) {
    std::vector<fs::path> found;
    std::error_code error;
    for (fs::directory_iterator entry(tmp, error), end; !error && entry != end; entry.increment(error)) {
        const fs::path& path = entry->path();
        if (path.filename().native().starts_with(discarded_prefix) && is_real_directory(path)) found.push_back(path);
    }
    return found;
}

// A discarded directory whose lock is ours.
struct Claimed {
    fs::path path;
    UniqueFd lock;
};

enum class Patience { none, until_it_is_ours };

std::vector<Claimed> claim_discarded(const fs::path& tmp, Patience patience) {
    std::vector<Claimed> claimed;
    const int way = patience == Patience::none ? LOCK_EX | LOCK_NB : LOCK_EX;
    for (fs::path& path : discarded_in(tmp)) {
        UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!lock) continue;
        int result = 0;
        while ((result = ::flock(lock.get(), way)) != 0 && errno == EINTR) continue;
        if (result == 0) claimed.push_back({std::move(path), std::move(lock)});
    }
    return claimed;
}

void remove_all(const std::vector<Claimed>& claimed) {
    for (const Claimed& one : claimed) {
        try {
            remove_tree(one.path);
        } catch (const Error&) {
            // See discard().
        }
    }
}

// Other locks are among them, and pipes whose readers wait for the end.
void close_all_but(const std::vector<Claimed>& kept) {
    std::vector<unsigned> sorted;
    sorted.reserve(kept.size());
    for (const Claimed& one : kept) sorted.push_back(static_cast<unsigned>(one.lock.get()));
    std::sort(sorted.begin(), sorted.end());
    unsigned first = STDERR_FILENO + 1;
    for (const unsigned fd : sorted) {
        if (fd > first) ::syscall(SYS_close_range, first, fd - 1, 0U);
        first = fd + 1;
    }
    ::syscall(SYS_close_range, first, ~0U, 0U);
}

void become_background(const std::vector<Claimed>& kept) {
    ::setsid();
    ::setpriority(PRIO_PROCESS, 0, 10);
    close_all_but(kept);
    const int null = ::open("/dev/null", O_RDWR);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) ::signal(number, SIG_DFL);
}

}  // namespace

void discard(const fs::path& directory) {
    try {
        if (remove_some_of_tree(directory, few_entries)) return;
    } catch (const Error&) {
        // Files of other ids; a process in their user namespace may come.
    }
    const fs::path aside = directory.parent_path() / (std::string(discarded_prefix) + directory.filename().native());
    ::renameat2(AT_FDCWD, directory.c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE);
}

// The child has one thread, whatever we have; of what another may hold at this moment it uses malloc alone, and that is
// made for this.
void remove_discarded_in_background(const fs::path& tmp) {
    const std::vector<Claimed> claimed = claim_discarded(tmp, Patience::none);
    if (claimed.empty()) return;
    const pid_t between = ::fork();
    if (between == 0) {
        // Nobody's child, so that nobody has to wait for it.
        if (::fork() != 0) ::_exit(0);
        become_background(claimed);
        remove_all(claimed);
        ::_exit(0);
    }
    while (between > 0 && ::waitpid(between, nullptr, 0) < 0 && errno == EINTR) continue;
}

void remove_discarded(const fs::path& tmp) { remove_all(claim_discarded(tmp, Patience::until_it_is_ours)); }

}  // namespace gbuild::store
