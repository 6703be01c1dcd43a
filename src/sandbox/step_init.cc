#include "step_init.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "child_process.h"
#include "chroot_root.h"
#include "gbuild/base/error.h"
#include "payload.h"
#include "stage.h"
#include "step_message.h"

namespace gbuild::sandbox {

namespace {

void bring_up_loopback() {
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) fail_stage("socket");
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    check_stage(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "ioctl(SIOCSIFFLAGS lo)");
}

void join_cgroup(const std::string& directory) {
    const UniqueFd file(::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) fail_stage("open(cgroup.procs)");
    check_stage(::write(file.get(), "0", 1), "write(cgroup.procs)");
}

class StepInit {
  public:
    StepInit(const Step& step, const StepContext& context, int output, UniqueFd input) :
        step_(step), context_(context), output_(output), input_(std::move(input)) {}

    StepReport run() {
        StepReport report;
        try {
            set_up();
            report.result = run_command();
            clean_up();
        } catch (const MountFailure& failure) {
            report.result = not_started(problem_of(failure));
            report.result.code = 126;
        } catch (const StageFailure& failure) {
            report.failed_stage = failure.what;
            report.error_number = failure.error_number;
        } catch (const Error& error) {
            report.failed_stage = error.message();
        }
        return report;
    }

  private:
    void set_up() {
        if (step_.cgroup) join_cgroup(*step_.cgroup);
        if ((context_.namespaces() & CLONE_NEWPID) == 0) {
            // There is no PID namespace whose end would be the end of what the step left running.
            check_stage(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)");
        }
        if (context_.isolation == Isolation::chroot) {
            host_proc_ = open_file("/proc", O_RDONLY | O_DIRECTORY);  // there is none in the step
            chroot_ = std::make_unique<ChrootRoot>(step_);
            return chroot_->enter();
        }
        if (step_.network == Network::none) {
            check_stage(::unshare(CLONE_NEWNET), "unshare(network namespace)");
            bring_up_loopback();
        }
        check_stage(::sethostname(step_.hostname.data(), step_.hostname.size()), "sethostname");
        const bool emulates = context_.emulation() == Emulation::ownership;
        mounts_ = std::make_unique<StepMounts>(step_, emulates ? Owners::recorded : Owners::real);
        mounts_->enter(context_.proc);
        use_own_null();
    }

    // What stands behind the first three descriptors is the host's until here.
    static void use_own_null() {
        const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        for (int fd = 0; fd < 3; fd++) {
            if (null) {
                ::dup2(null.get(), fd);
            } else {
                ::close(fd);
            }
        }
    }

    StepResult run_command() {
        const Emulation emulation = context_.emulation();
        PayloadChannel channel = make_payload_channel();
        const UniqueFd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
        const pid_t command = fork_into(0);
        if (command == 0) {
            channel.watcher.reset();
            run_payload(step_, {context_.isolation, emulation, input_.get(), output_}, std::move(channel.payload));
        }
        input_.reset();  // whoever writes to it notices that nobody reads any more
        channel.payload.reset();
        std::unique_ptr<Supervisor> supervisor;
        if (emulation != Emulation::none) supervisor = start_supervisor(channel.watcher.get(), proc.get(), command);
        StartProblem problem = receive_problem(channel.watcher.get());
        const int status = wait_for_command(command);
        kill_descendants(host_proc_ ? host_proc_.get() : proc.get());
        StepResult result = problem.text.empty() ? result_of(status) : not_started(problem);
        if (supervisor) result.owners = supervisor->finish();
        return result;
    }

    std::unique_ptr<Supervisor> start_supervisor(int channel, int proc, pid_t command) {
        Supervisor::Options options;
        options.emulation = context_.emulation();
        options.known = step_.owners;
        if (mounts_) {
            const auto& more = mounts_->owners_apart();
            options.known.insert(options.known.end(), more.begin(), more.end());
        }
        options.has_devices = step_.has_devices;
        auto supervisor = std::make_unique<Supervisor>(receive_listener(channel), proc, std::move(options));
        if (context_.emulation() == Emulation::ownership) supervisor->set_identity(command, step_.identity);
        let_go(channel);
        return supervisor;
    }

    // Reaps whatever loses its parent meanwhile.
    static int wait_for_command(pid_t command) {
        for (;;) {
            int status = 0;
            const pid_t ended = ::waitpid(-1, &status, __WALL);
            if (ended == command) return status;
            if (ended < 0 && errno != EINTR) fail_stage("waitpid");
        }
    }

    static StepResult result_of(int status) {
        StepResult result;
        if (WIFSIGNALED(status)) {
            result.end = StepResult::End::killed;
            result.code = WTERMSIG(status);
        } else {
            result.code = WEXITSTATUS(status);
        }
        return result;
    }

    static StartProblem problem_of(const MountFailure& failure) {
        if (failure.fault != Fault::no_directory) return {"cannot mount on " + failure.target, failure.error_number};
        return {fmt::format(
                    "the image has a symbolic link or a file at {}, where RUN needs a directory: leave it out of the "
                    "base image, or of what is copied",
                    failure.target),
                0};
    }

    static StepResult not_started(const StartProblem& problem) {
        StepResult result;
        result.code = problem.error_number == ENOENT ? 127 : 126;
        result.problem = problem.error_number == 0
                             ? problem.text
                             : fmt::format("{}: {}", problem.text, ::strerror(problem.error_number));
        return result;
    }

    void clean_up() {
        if (chroot_) chroot_->clean_up();
        if (mounts_) mounts_->clean_up();
    }

    const Step& step_;
    const StepContext& context_;
    int output_;
    UniqueFd input_;
    UniqueFd host_proc_;
    std::unique_ptr<ChrootRoot> chroot_;
    std::unique_ptr<StepMounts> mounts_;
};

}  // namespace

int StepContext::namespaces() const {
    if (isolation == Isolation::chroot) return 0;
    const int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
    return proc == ProcMount::fresh ? flags | CLONE_NEWPID : flags;
}

Emulation StepContext::emulation() const {
    if (isolation == Isolation::single) return Emulation::ownership;
    // Without mounts there is no /proc to answer with.
    return devices || isolation == Isolation::chroot ? Emulation::none : Emulation::devices;
}

void run_step_init(const Step& step, const StepContext& context, StepStreams streams) {
    int code = 0;
    try {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // Its memory and files in /proc are nobody's, even where a step has as many capabilities.
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        StepInit init(step, context, streams.output.get(), std::move(streams.input));
        write_all(streams.report.get(), encode(init.run()));
    } catch (const std::exception&) {
        code = 1;
    }
    ::_exit(code);
}

}  // namespace gbuild::sandbox
