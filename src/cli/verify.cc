#include "gbuild/cli/verify.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/engine/build.h"
#include "gbuild/sandbox/probe.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;

// While it waits, Ctrl-C is for the child: it cleans up and ends, and so does the wait.
class IgnoredInterrupt {
  public:
    IgnoredInterrupt() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGINT, &ignore, &before_);
    }
    ~IgnoredInterrupt() { ::sigaction(SIGINT, &before_, nullptr); }
    IgnoredInterrupt(const IgnoredInterrupt&) = delete;
    IgnoredInterrupt& operator=(const IgnoredInterrupt&) = delete;
    void restore() const { ::sigaction(SIGINT, &before_, nullptr); }

  private:
    struct sigaction before_ {};
};

// Entries from the last name to the first, so that a file system without an order of its own lists them otherwise.
class ReversedCopy {
  public:
    explicit ReversedCopy(std::set<fs::path> left_out) : left_out_(std::move(left_out)) {}

    void directory(const fs::path& from, const fs::path& to) const {
        fs::create_directory(to);
        std::vector<fs::path> entries;
        for (const auto& entry : fs::directory_iterator(from)) entries.push_back(entry.path());
        std::sort(entries.rbegin(), entries.rend());
        for (const fs::path& entry : entries) {
            if (!left_out_.contains(fs::absolute(entry).lexically_normal())) copy(entry, to / entry.filename());
        }
        fs::permissions(to, fs::status(from).permissions());
    }

  private:
    void copy(const fs::path& from, const fs::path& to) const {
        const fs::file_status status = fs::symlink_status(from);
        switch (status.type()) {
        case fs::file_type::directory: return directory(from, to);
        case fs::file_type::symlink: return fs::copy_symlink(from, to);
        case fs::file_type::fifo:
            if (::mkfifo(to.c_str(), 0600) != 0) throw_errno(fmt::format("cannot create {}", quoted(to.native())));
            return fs::permissions(to, status.permissions());
        case fs::file_type::regular: return file(from, to, status);
        default: return;  // sockets and devices are refused by COPY, or made by nobody
        }
    }

    static void file(const fs::path& from, const fs::path& to, const fs::file_status& status) {
        fs::copy_file(from, to);
        fs::permissions(to, status.permissions());
        const timespec times[2] = {{86400, 0}, {86400, 0}};
        if (::utimensat(AT_FDCWD, to.c_str(), times, 0) != 0) throw_errno("cannot set a file's time");
    }

    std::set<fs::path> left_out_;  // absolute
};

void move_context(build::BuildOptions& options, const fs::path& place, Circumstances& changed) {
    std::set<fs::path> written;
    for (const fs::path& path : options.side_files) written.insert(fs::absolute(path).lexically_normal());
    if (options.output) written.insert(fs::absolute(*options.output).lexically_normal());
    const fs::path copy = place / "context";
    ReversedCopy(std::move(written)).directory(options.context, copy);
    options.context = copy;
    changed.emplace_back("a copy of the context, elsewhere and in another order");
}

// The one most unlike the one that would be taken.
void change_isolation(build::BuildOptions& options, const fs::path& place, Circumstances& changed) {
    using sandbox::Isolation;
    NullSink nobody;
    if (!build::Build(options, nobody).runs_commands()) return;
    const Isolation first = sandbox::choose_isolation(options.run.isolation, place).isolation;
    for (Isolation other : {Isolation::single, Isolation::subid, Isolation::root}) {
        if (other == first || !sandbox::probe(other, place).works) continue;
        options.run.isolation = other;
        changed.push_back(
            fmt::format("isolation {} instead of {}", sandbox::isolation_name(other), sandbox::isolation_name(first)));
        return;
    }
}

void change_jobs(build::BuildOptions& options, Circumstances& changed) {
    const unsigned first = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
    options.jobs = first == 1 ? 3 : 1;
    changed.push_back(fmt::format("{} job{} instead of {}", options.jobs, options.jobs == 1 ? "" : "s", first));
}

// Steps have the machine's clock, which no namespace changes: a build that takes no second could write the same one
// twice.
void wait_for_another_second(Circumstances& changed) {
    using namespace std::chrono;
    std::this_thread::sleep_until(floor<seconds>(system_clock::now()) + seconds(1));
    changed.emplace_back("a later second");
}

void change_process(Circumstances& changed) {
    ::umask(::umask(0) == 077 ? 022 : 077);
    ::setenv("TZ", "Pacific/Kiritimati", 1);
    ::tzset();
    changed.emplace_back("another umask and time zone");
    // Only root may without a user namespace, which would be in the way of the steps' own.
    constexpr std::string_view name = "another-machine";
    if (::unshare(CLONE_NEWUTS) == 0 && ::sethostname(name.data(), name.size()) == 0) {
        changed.emplace_back("another host name");
    }
}

}  // namespace

int in_own_process(const std::function<int()>& body) {
    const IgnoredInterrupt ignored;
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) throw_errno("cannot start a process");
    if (child == 0) {
        ignored.restore();
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        ::_exit(::getppid() == parent ? body() : 128 + SIGTERM);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) throw_errno("cannot wait for a process");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Circumstances change_circumstances(build::BuildOptions& options, const fs::path& place) {
    Circumstances changed;
    change_jobs(options, changed);
    move_context(options, place, changed);
    change_isolation(options, place, changed);
    change_process(changed);
    wait_for_another_second(changed);
    options.tags.clear();
    options.side_files.clear();
    options.container_outputs.clear();
    options.cache_to.clear();
    options.cache_from.clear();
    options.output = place / "again.gvmi";
    return changed;
}

}  // namespace gbuild::cli
