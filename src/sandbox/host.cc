#include "host.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "child_process.h"
#include "descriptors.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "stage.h"
#include "step_message.h"

namespace gbuild::sandbox {

namespace {

constexpr size_t fd_count = 3;  // without an input
constexpr size_t step_cap = 64u << 20;

class Host {
  public:
    Host(UniqueFd socket, const StepContext& context) : socket_(std::move(socket)), context_(context) {}

    void run() {
        for (;;) {
            pollfd fds[2] = {{socket_.get(), POLLIN, 0}, {step_ ? step_->end.get() : -1, POLLIN, 0}};
            if (::poll(fds, 2, -1) < 0) {
                if (errno == EINTR) continue;
                return;
            }
            if (fds[0].revents != 0 && !take_request()) return;
            if (step_ && fds[1].revents != 0) finish();
        }
    }

    ~Host() {
        if (step_) ::kill(step_->child.pid(), SIGKILL);
        if (step_) finish();
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

  private:
    struct Running {
        Running(OwnedChild process, UniqueFd its_end) : child(std::move(process)), end(std::move(its_end)) {}
        OwnedChild child;
        UniqueFd end;  // readable once it has ended
    };

    // False at the end of the connection.
    bool take_request() {
        char request = 0;
        HostFds fds;
        if (!receive(request, fds)) return false;
        if (request == static_cast<char>(HostRequest::kill)) {
            if (step_) ::kill(step_->child.pid(), SIGKILL);
        } else {
            start(std::move(fds));
        }
        return true;
    }

    bool receive(char& request, HostFds& fds) {
        Received received = receive_descriptors(socket_.get(), std::span(&request, 1));
        if (received.size != 1) return false;
        auto& got = received.descriptors;
        if (got.size() < fd_count) return request == static_cast<char>(HostRequest::kill);
        fds = {std::move(got[0]), std::move(got[1]), std::move(got[2]), UniqueFd()};
        if (got.size() > fd_count) fds.input = std::move(got[fd_count]);
        return true;
    }

    void start(HostFds fds) {
        try {
            const pid_t child = fork_into(context_.namespaces());
            if (child == 0) become_init(std::move(fds));
            UniqueFd end(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
            step_.emplace(OwnedChild(child), std::move(end));
        } catch (const StageFailure& failure) {
            StepReport report;
            report.failed_stage = failure.what;
            report.error_number = failure.error_number;
            write_all(fds.report.get(), encode(report));
            tell_end();
        }
    }

    // In the child. It serves the step for the step's whole life, so it keeps nothing that leads to the host.
    [[noreturn]] void become_init(HostFds fds) {
        try {
            socket_.reset();
            proc_.reset();
            const std::string bytes = read_text(fds.step.get(), step_cap, "the step");
            fds.step.reset();
            close_all_but({fds.output.get(), fds.report.get(), fds.input.get()});
            StepStreams streams{std::move(fds.output), std::move(fds.report), std::move(fds.input)};
            run_step_init(decode_step(as_bytes(bytes)), context_, std::move(streams));
        } catch (const std::exception&) {
            ::_exit(1);
        }
    }

    void finish() {
        step_->child.wait();
        step_.reset();
        // Killed, it could not see to those that lose their parent with it.
        if ((context_.namespaces() & CLONE_NEWPID) == 0) kill_descendants(proc_.get());
        tell_end();
    }

    void tell_end() const {
        const char answer = static_cast<char>(HostAnswer::ended);
        [[maybe_unused]] ssize_t sent = ::send(socket_.get(), &answer, 1, MSG_NOSIGNAL);
    }

    UniqueFd socket_;
    UniqueFd proc_ = open_file("/proc", O_RDONLY | O_DIRECTORY);
    StepContext context_;
    std::optional<Running> step_;
};

// What gbuild has open is no business of a step's.
void forget_descriptors(int kept) {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd < 3; fd++) {
        if (fd != kept && null) ::dup2(null.get(), fd);
    }
    close_all_but({kept});
}

// A step can read the arguments of its first process, a copy of this one, and they may hold what is none of its
// business.
void forget_arguments() {
    constexpr size_t first = 48 - 3, last = 49 - 3;  // proc(5) counts from 1; the third comes after the name
    const std::string text = read_text_file("/proc/self/stat", 1 << 12);
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 2 > text.size()) return;
    const std::vector<std::string> fields = split(text.substr(name_end + 2), ' ');
    if (fields.size() <= last) return;
    const uint64_t begin = parse_decimal(fields[first]).value_or(0), end = parse_decimal(fields[last]).value_or(0);
    if (begin != 0 && begin < end) std::memset(std::bit_cast<void*>(begin), 0, end - begin);
}

}  // namespace

void send_run(int socket, const HostFds& fds) {
    const char request = static_cast<char>(HostRequest::run);
    std::vector<int> numbers = {fds.step.get(), fds.output.get(), fds.report.get()};
    if (fds.input) numbers.push_back(fds.input.get());
    if (send_descriptors(socket, {&request, 1}, numbers) < 0)
        throw_errno("cannot reach the process that runs commands");
}

void run_host(UniqueFd socket, const StepContext& context) {
    try {
        forget_descriptors(socket.get());
        forget_arguments();
        ::setsid();
        for (int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
        if ((context.namespaces() & CLONE_NEWPID) == 0) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        Host(std::move(socket), context).run();
    } catch (const std::exception&) {
        ::_exit(1);
    }
    ::_exit(0);
}

}  // namespace gbuild::sandbox
