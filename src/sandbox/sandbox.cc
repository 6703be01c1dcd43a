#include "gbuild/sandbox/sandbox.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "advice.h"
#include "child_process.h"
#include "gbuild/base/error.h"
#include "gbuild/base/stop_event.h"
#include "gbuild/base/synchronized.h"
#include "gbuild/base/text.h"
#include "host.h"
#include "stage.h"
#include "step_message.h"
#include "user_namespace.h"

namespace gbuild::sandbox {

namespace {

using std::chrono::steady_clock;

UniqueFd memory_file(std::span<const std::byte> bytes) {
    UniqueFd fd(::memfd_create("step", MFD_CLOEXEC));
    if (!fd) throw_errno("cannot create a file in memory");
    write_all(fd.get(), bytes);
    if (::lseek(fd.get(), 0, SEEK_SET) < 0) throw_errno("cannot rewind a file in memory");
    return fd;
}

// One step while it runs: moves its output, notices its end, ends it early.
class Watch {
  public:
    Watch(int host, UniqueFd output, UniqueFd report, std::chrono::seconds timeout) :
        host_(host), output_(std::move(output)), report_(std::move(report)) {
        if (timeout.count() > 0) deadline_ = steady_clock::now() + timeout;
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    // The host is to be free for the next step.
    ~Watch() {
        if (ended_) return;
        output_.reset();
        report_.reset();
        kill(End::stopped);
        char answer = 0;
        while (::recv(host_, &answer, 1, 0) < 0 && errno == EINTR) {
        }
    }

    enum class End { finished, stopped, timed_out };

    // Returns when the step is gone and all that it wrote has been read.
    End run(const std::function<void(std::string_view)>& consume, const std::stop_token& stop) {
        StopEvent stopped(stop);
        while (!ended_ || output_ || report_) {
            pollfd fds[4] = {{output_.get(), POLLIN, 0},
                             {report_.get(), POLLIN, 0},
                             {ended_ ? -1 : host_, POLLIN, 0},
                             {end_ == End::finished ? stopped.fd() : -1, POLLIN, 0}};
            const int ready = ::poll(fds, 4, time_left());
            if (ready < 0 && errno != EINTR) throw_errno("cannot wait for a step");
            if (ready < 0) continue;
            if (fds[3].revents != 0) kill(End::stopped);
            if (ready == 0) kill(End::timed_out);
            if (fds[0].revents != 0) read_output(consume);
            if (fds[1].revents != 0) read_report();
            if (fds[2].revents != 0) read_host();
        }
        return end_;
    }

    std::span<const std::byte> report() const { return as_bytes(report_bytes_); }

  private:
    int time_left() const {
        if (!deadline_ || end_ != End::finished) return -1;
        auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - steady_clock::now());
        constexpr std::chrono::milliseconds longest{1'000'000'000};
        return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), longest).count());
    }

    void kill(End why) {
        end_ = why;
        const char request = static_cast<char>(HostRequest::kill);
        [[maybe_unused]] ssize_t sent = ::send(host_, &request, 1, MSG_NOSIGNAL);
    }

    void read_output(const std::function<void(std::string_view)>& consume) {
        const ssize_t size = read_some(output_);
        if (size > 0) consume(std::string_view(buffer_.data(), static_cast<size_t>(size)));
    }

    void read_report() {
        constexpr size_t cap = 256u << 20;  // a hundred bytes for each link whose owner is not root
        const ssize_t size = read_some(report_);
        if (size > 0) report_bytes_.append(buffer_.data(), static_cast<size_t>(size));
        if (report_bytes_.size() > cap) throw Error(ErrorKind::limit, "a step's report is too long");
    }

    // Closes at the end.
    ssize_t read_some(UniqueFd& from) {
        const ssize_t size = ::read(from.get(), buffer_.data(), buffer_.size());
        if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) from.reset();
        return size;
    }

    void read_host() {
        char answer = 0;
        const ssize_t size = ::recv(host_, &answer, 1, 0);
        if (size < 0 && errno == EINTR) return;
        if (size != 1) throw Error(ErrorKind::io, "the process that runs commands is gone");
        ended_ = true;
    }

    int host_;
    UniqueFd output_, report_;
    std::optional<steady_clock::time_point> deadline_;
    End end_ = End::finished;
    bool ended_ = false;
    std::string report_bytes_;
    std::array<char, 1 << 16> buffer_;
};

[[noreturn]] void throw_setup_failure(const Probe& probe) {
    throw Error(ErrorKind::unsupported, fmt::format("commands cannot be run (isolation {}): {}",
                                                    isolation_name(probe.isolation), describe(probe)))
        .hint(probe.remedy);
}

// The processes that start steps, each of which has one at a time.
class Hosts {
  public:
    Hosts() = default;
    Hosts(const Hosts&) = delete;
    Hosts& operator=(const Hosts&) = delete;
    ~Hosts() {
        auto free = free_.lock();
        free->clear();
        for (pid_t process : processes_) wait_for(process);
    }

    void start(const StepContext& context) {
        int ends[2];
        check_stage(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
        UniqueFd ours(ends[0]), theirs(ends[1]);
        const pid_t process = fork_into(0);
        if (process == 0) run_host(std::move(theirs), context);
        processes_.push_back(process);
        free_.lock()->push_back(std::move(ours));
    }

    // The connection to one, for as long as it is needed.
    class Lease {
      public:
        Lease(Hosts& hosts, UniqueFd socket) : hosts_(hosts), socket_(std::move(socket)) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() {
            hosts_.free_.lock()->push_back(std::move(socket_));
            hosts_.given_back_.notify_one();
        }
        int socket() const { return socket_.get(); }

      private:
        Hosts& hosts_;
        UniqueFd socket_;
    };

    // Waits for one that is free. Throws interrupted.
    Lease take(const std::stop_token& stop) {
        auto free = free_.lock();
        if (!given_back_.wait(free.lock(), stop, [&] { return !free->empty(); })) {
            throw Error(ErrorKind::interrupted, "interrupted");
        }
        UniqueFd socket = std::move(free->back());
        free->pop_back();
        return {*this, std::move(socket)};
    }

  private:
    std::vector<pid_t> processes_;
    Synchronized<std::vector<UniqueFd>> free_;
    std::condition_variable_any given_back_;
};

}  // namespace

class Sandbox::State {
  public:
    State(const Probe& probe, unsigned at_once) : probe_(probe) {
        try {
            if (probe.isolation == Isolation::single || probe.isolation == Isolation::subid) {
                enter_user_namespace(probe.isolation);
            }
            const StepContext context{probe.isolation, probe.own_proc ? ProcMount::fresh : ProcMount::host,
                                      probe.devices};
            for (unsigned i = 0; i < std::max(1u, at_once); i++) hosts_.start(context);
        } catch (const StageFailure& failure) {
            explain(failure);
        }
    }

    const Probe& probe() const { return probe_; }

    StepResult run(const Step& step, const std::function<void(std::string_view)>& output, const std::stop_token& stop,
                   UniqueFd input) {
        const Hosts::Lease host = hosts_.take(stop);
        Pipe out = make_pipe(), report = make_pipe();
        send_run(host.socket(),
                 {memory_file(encode(step)), std::move(out.write), std::move(report.write), std::move(input)});
        Watch watch(host.socket(), std::move(out.read), std::move(report.read), step.timeout);
        const Watch::End end = watch.run(output, stop);
        if (end == Watch::End::stopped) throw Error(ErrorKind::interrupted, "interrupted");
        if (end == Watch::End::timed_out) {
            StepResult result;
            result.end = StepResult::End::timed_out;
            return result;
        }
        return result_of(watch.report());
    }

  private:
    StepResult result_of(std::span<const std::byte> bytes) const {
        if (bytes.empty()) {
            throw Error(ErrorKind::io, "the step's first process was killed")
                .hint("was memory short? the kernel's log tells (dmesg)");
        }
        StepReport report = decode_report(bytes);
        if (report.failed_stage.empty()) return std::move(report.result);
        explain({report.failed_stage, report.error_number});
    }

    [[noreturn]] void explain(const StageFailure& failure) const {
        Probe failed = probe_;
        fill_in(failed, failure);
        throw_setup_failure(failed);
    }

    Probe probe_;
    Hosts hosts_;
};

Sandbox::Sandbox(const Probe& probe, unsigned at_once) : state_(std::make_unique<State>(probe, at_once)) {}
Sandbox::~Sandbox() = default;

Isolation Sandbox::isolation() const { return state_->probe().isolation; }
std::string Sandbox::description() const { return std::string(isolation_text(isolation())); }
std::string Sandbox::shortcoming() const { return describe(state_->probe()); }
bool Sandbox::has_overlay() const { return state_->probe().overlay; }

std::string Sandbox::owner_form() const {
    if (records_owners()) return "recorded";
    std::string form = "own";
    for (const char* map : {"/proc/self/uid_map", "/proc/self/gid_map"}) {
        if (auto file = open_if_exists(map)) form += "\n" + read_text(file->get(), 1 << 16, map);
    }
    return form;
}

StepResult Sandbox::run(const Step& step, const std::function<void(std::string_view)>& output,
                        const std::stop_token& stop, UniqueFd input) {
    return state_->run(step, output, stop, std::move(input));
}

}  // namespace gbuild::sandbox
