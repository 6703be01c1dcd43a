#include "process.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace gbuild::guest {

namespace wire = provider::wire;

namespace {

constexpr size_t smallest_buffer = 4096, largest_buffer = 16 << 20;

// What the child puts in the place of its descriptors.
struct Plan {
    struct Pair {
        Descriptor ours, theirs;
        uint32_t descriptor;
    };
    std::vector<Pair> pairs;
    bool terminal = false;
};

// Descriptors above those that a process is given, so that none of them lies in another's place.
Descriptor moved_up(int fd) {
    const Descriptor low(fd);
    return Descriptor(low ? ::fcntl(low.get(), F_DUPFD_CLOEXEC, 64) : -1);
}

bool add_pipe(Plan& plan, uint32_t descriptor, bool is_input) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    Descriptor read = moved_up(ends[0]), write = moved_up(ends[1]);
    Descriptor& ours = is_input ? write : read;
    ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
    Descriptor& theirs = is_input ? read : write;
    plan.pairs.push_back({std::move(ours), std::move(theirs), descriptor});
    return true;
}

bool add_terminal(Plan& plan, uint32_t size) {
    Descriptor master = moved_up(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 64> name{};
    if (!master || ::unlockpt(master.get()) != 0 || ::ptsname_r(master.get(), name.data(), name.size()) != 0) {
        return false;
    }
    Descriptor slave = moved_up(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave) return false;
    set_terminal_size(master.get(), size);
    plan.pairs.push_back({std::move(master), std::move(slave), 0});
    plan.terminal = true;
    return true;
}

bool add_file(Plan& plan, const Redirection& redirection) {
    const int flags = redirection.descriptor == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
    Descriptor file = moved_up(::open(redirection.path.c_str(), flags | O_CLOEXEC, 0644));
    if (!file) return false;
    plan.pairs.push_back({Descriptor(), std::move(file), redirection.descriptor});
    return true;
}

bool add(Plan& plan, const Redirection& redirection) {
    if (redirection.descriptor > 2) {
        errno = EINVAL;
        return false;
    }
    switch (redirection.kind) {
    case wire::Redirect::file: return add_file(plan, redirection);
    case wire::Redirect::terminal: return add_terminal(plan, static_cast<uint32_t>(redirection.size));
    case wire::Redirect::input: return add_pipe(plan, redirection.descriptor, true);
    case wire::Redirect::blocking:
    case wire::Redirect::ring: return add_pipe(plan, redirection.descriptor, false);
    }
    errno = EINVAL;
    return false;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

struct ChildFailure {
    int error_number;
    uint64_t reason;
};

[[noreturn]] void give_up(int channel, uint64_t reason) {
    const ChildFailure failure{errno, reason};
    [[maybe_unused]] const ssize_t written = ::write(channel, &failure, sizeof failure);
    ::_exit(127);
}

void take_descriptors(const Plan& plan) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++) ::dup2(null, fd);
    ::close(null);
    if (plan.terminal) {
        const int slave = plan.pairs.front().theirs.get();
        ::ioctl(slave, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; fd++) ::dup2(slave, fd);
        return;
    }
    for (const Plan::Pair& pair : plan.pairs) ::dup2(pair.theirs.get(), static_cast<int>(pair.descriptor));
}

void reset_signals() {
    for (int number = 1; number < NSIG; number++) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// In the order in which a provider does it: the directory while it is still root.
[[noreturn]] void become(const Request& request, const Plan& plan, int channel) {
    ::setsid();
    reset_signals();
    ::umask(022);
    take_descriptors(plan);
    if (::chdir(request.directory.empty() ? "/" : request.directory.c_str()) != 0) {
        give_up(channel, wire::failure_directory);
    }
    for (const Plan::Pair& pair : plan.pairs) {
        if (plan.terminal || pair.ours) ::fchown(pair.theirs.get(), request.uid, request.gid);
    }
    if (::setgroups(0, nullptr) != 0 || ::setresgid(request.gid, request.gid, request.gid) != 0 ||
        ::setresuid(request.uid, request.uid, request.uid) != 0) {
        give_up(channel, wire::failure_identity);
    }
    std::vector<char*> arguments = pointers(request.arguments), environment = pointers(request.environment);
    ::execve(request.program.c_str(), arguments.data(), environment.data());
    const int error_number = errno;
    uint64_t reason = wire::failure_program;
    if (::access(request.program.c_str(), F_OK) == 0) reason |= wire::failure_program_exists;
    errno = error_number;
    give_up(channel, reason);
}

bool started(int channel, StartFailure& failure) {
    ChildFailure told{};
    ssize_t size = 0;
    do {
        size = ::read(channel, &told, sizeof told);
    } while (size < 0 && errno == EINTR);
    if (size != sizeof told) return true;
    failure = {told.error_number, told.reason};
    return false;
}

std::unique_ptr<Process> watch(const Request& request, Plan plan, pid_t pid) {
    auto process = std::make_unique<Process>();
    process->pid = pid;
    process->terminal = plan.terminal;
    for (Plan::Pair& pair : plan.pairs) {
        if (!pair.ours) continue;
        const auto found = std::find_if(request.redirections.begin(), request.redirections.end(),
                                        [&](const auto& one) { return one.descriptor == pair.descriptor; });
        if (plan.terminal) {
            process->input = Descriptor(::fcntl(pair.ours.get(), F_DUPFD_CLOEXEC, 64));
            process->streams.emplace_back(1, wire::Redirect::blocking, 1 << 16, std::move(pair.ours));
        } else if (found->kind == wire::Redirect::input) {
            process->input = std::move(pair.ours);
        } else {
            process->streams.emplace_back(pair.descriptor, found->kind, found->size, std::move(pair.ours));
        }
    }
    return process;
}

}  // namespace

Stream::Stream(uint32_t descriptor, wire::Redirect kind, uint64_t size, Descriptor source) :
    descriptor_(descriptor),
    kind_(kind),
    size_(static_cast<size_t>(std::clamp<uint64_t>(size, smallest_buffer, largest_buffer))),
    source_(std::move(source)) {}

bool Stream::wants_more() const { return source_ && (kind_ == wire::Redirect::ring || bytes_.size() < size_); }

bool Stream::fill() {
    const bool was_empty = bytes_.empty();
    std::array<char, 1 << 16> buffer;
    while (wants_more()) {
        const size_t room = kind_ == wire::Redirect::ring ? size_ : size_ - bytes_.size();
        const ssize_t size = ::read(source_.get(), buffer.data(), std::min(room, buffer.size()));
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) break;
        // Of a terminal that nobody has open any more, an error.
        if (size <= 0) {
            source_.reset();
            break;
        }
        bytes_.append(buffer.data(), static_cast<size_t>(size));
        if (bytes_.size() > size_) bytes_.erase(0, bytes_.size() - size_);
        if (kind_ == wire::Redirect::ring) break;
    }
    return was_empty && !bytes_.empty();
}

std::string Stream::take(uint64_t offset, uint64_t length) {
    const size_t begin = static_cast<size_t>(std::min<uint64_t>(offset, bytes_.size()));
    const size_t count = static_cast<size_t>(std::min<uint64_t>(length, bytes_.size() - begin));
    std::string taken = bytes_.substr(begin, count);
    bytes_.erase(0, begin + count);
    return taken;
}

Stream* Process::stream(uint32_t descriptor) {
    for (Stream& stream : streams) {
        if (stream.descriptor() == descriptor) return &stream;
    }
    return nullptr;
}

bool Process::is_done() const {
    return ended && std::all_of(streams.begin(), streams.end(), [](const Stream& one) { return one.finished(); });
}

std::unique_ptr<Process> start_process(const Request& request, StartFailure& failure) {
    Plan plan;
    int report[2];
    failure = {0, wire::failure_identity};
    for (const Redirection& redirection : request.redirections) {
        if (plan.terminal || add(plan, redirection)) continue;
        failure.error_number = errno;
        return nullptr;
    }
    if (::pipe2(report, O_CLOEXEC) != 0) {
        failure.error_number = errno;
        return nullptr;
    }
    const Descriptor reads = moved_up(report[0]);
    Descriptor writes = moved_up(report[1]);
    const pid_t pid = ::fork();
    if (pid == 0) become(request, plan, writes.get());
    if (pid < 0) {
        failure.error_number = errno;
        return nullptr;
    }
    writes.reset();
    if (started(reads.get(), failure)) return watch(request, std::move(plan), pid);
    ::waitpid(pid, nullptr, 0);
    return nullptr;
}

void set_terminal_size(int terminal, uint32_t size) {
    winsize window{};
    window.ws_row = static_cast<unsigned short>(size >> 16);
    window.ws_col = static_cast<unsigned short>(size & 0xffff);
    ::ioctl(terminal, TIOCSWINSZ, &window);
}

}  // namespace gbuild::guest
