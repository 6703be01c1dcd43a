#include "payload.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "descriptors.h"
#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "refusals.h"
#include "stage.h"
#include "trampoline_file.h"

namespace gbuild::sandbox {

namespace {

// What docker leaves a container.
constexpr int kept_capabilities[] = {
    CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FSETID,  CAP_FOWNER,           CAP_MKNOD,      CAP_NET_RAW, CAP_SETGID,
    CAP_SETUID, CAP_SETFCAP,      CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL,    CAP_AUDIT_WRITE};

// What a message begins with: a listener comes along, or the command cannot be executed.
enum class Tag : char { listener = 'L', problem = 'P' };

void send_listener(int channel, int listener) {
    const char tag = static_cast<char>(Tag::listener);
    check_stage(send_descriptors(channel, {&tag, 1}, {&listener, 1}), "sendmsg(listener)");
}

void send_problem(int channel, const StageFailure& failure) {
    std::vector<char> message(1 + sizeof(int));
    message[0] = static_cast<char>(Tag::problem);
    std::memcpy(&message[1], &failure.error_number, sizeof(int));
    message.insert(message.end(), failure.what.begin(), failure.what.end());
    // Whoever does not listen has no use for it.
    [[maybe_unused]] ssize_t sent = ::send(channel, message.data(), message.size(), MSG_NOSIGNAL);
}

StartProblem parse_problem(std::span<const char> message) {
    StartProblem problem;
    if (message.size() < 1 + sizeof(int)) return {"the command's process broke off", 0};
    std::memcpy(&problem.error_number, &message[1], sizeof(int));
    problem.text.assign(message.begin() + 1 + sizeof(int), message.end());
    return problem;
}

void drop_capabilities() {
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        bool kept = false;
        for (int one : kept_capabilities) kept = kept || one == capability;
        if (!kept) check_stage(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "prctl(PR_CAPBSET_DROP)");
    }
}

// The caller's keys stay behind. Where there is no room for one more keyring, or no keys at all, the refused calls have
// to do.
void leave_keyrings() { ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr); }

// The process that watches over the step, with its threads: it serves the step, and is not for the step to slow down or
// end. Without /proc it is known by its number alone.
std::vector<pid_t> threads_of_parent() {
    const pid_t parent = ::getppid();
    std::vector<pid_t> threads = {parent};
    const std::string path = fmt::format("/proc/{}/task", parent);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(path.c_str()), ::closedir);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
        const auto number = parse_decimal(static_cast<const char*>(entry->d_name));
        if (number && static_cast<pid_t>(*number) != parent) threads.push_back(static_cast<pid_t>(*number));
    }
    return threads;
}

void set_limits(const std::vector<ResourceLimit>& limits) {
    for (const ResourceLimit& limit : limits) {
        const rlimit value{limit.soft, limit.hard};
        if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0) {
            fail_stage(fmt::format("the limit {}={}:{}", limit.name, limit.soft, limit.hard));
        }
    }
}

// Real ids; emulated ones were set from outside.
void become(const Identity& identity) {
    std::vector<gid_t> groups(identity.groups.begin(), identity.groups.end());
    check_stage(::setgroups(groups.size(), groups.data()), "setgroups");
    check_stage(::setresgid(identity.gid, identity.gid, identity.gid), "setresgid");
    check_stage(::setresuid(identity.uid, identity.uid, identity.uid), "setresuid");
}

void reset_signals() {
    for (int number = 1; number < NSIG; number++) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void set_descriptors(int input, int output) {
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (input >= 0) {
        check_stage(::dup2(input, 0), "dup2");
    } else if (null) {
        check_stage(::dup2(null.get(), 0), "dup2");
    } else {
        ::close(0);
    }
    check_stage(::dup2(output, 1), "dup2");
    check_stage(::dup2(output, 2), "dup2");
    check_stage(::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */), "close_range");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

// By way of a program that is nobody's file: what the step names may be a link in /proc that leads to the program that
// executes it.
[[noreturn]] void execute(const Step& step, int program, int channel) {
    std::vector<std::string> words = {std::to_string(channel)};
    words.insert(words.end(), step.command.begin(), step.command.end());
    check_stage(::fcntl(channel, F_SETFD, 0), "fcntl(F_SETFD)");
    ::syscall(SYS_execveat, program, "", pointers(words).data(), pointers(step.environment).data(), AT_EMPTY_PATH);
    fail_stage(fmt::format("{}", step.command.at(0)));
}

}  // namespace

PayloadChannel make_payload_channel() {
    int ends[2];
    check_stage(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void run_payload(const Step& step, const PayloadSettings& settings, UniqueFd channel) {
    const Emulation emulation = settings.emulation;
    try {
        // Who answers its calls reads its memory.
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        reset_signals();
        ::setsid();
        const UniqueFd program = make_trampoline_file();
        if (emulation != Emulation::none) {
            send_listener(channel.get(),
                          install_filter({emulation, emulation == Emulation::ownership || step.has_devices}).get());
            char answer = 0;
            if (::read(channel.get(), &answer, 1) != 1) ::_exit(125);
        }
        leave_keyrings();
        if (!step.all_capabilities && settings.isolation != Isolation::chroot) refuse_calls(threads_of_parent());
        ::umask(022);
        set_limits(step.limits);
        if (!step.all_capabilities) drop_capabilities();
        if (emulation != Emulation::ownership) {
            // So that the command can open /dev/stdout.
            ::fchown(settings.output, step.identity.uid, step.identity.gid);
            become(step.identity);
        }
        if (::chdir(step.directory.c_str()) != 0) fail_stage(fmt::format("the working directory {}", step.directory));
        set_descriptors(settings.input, settings.output);
        execute(step, program.get(), channel.get());
    } catch (const StageFailure& failure) {
        send_problem(channel.get(), failure);
    } catch (const Error& error) {
        send_problem(channel.get(), {error.message(), 0});
    }
    ::_exit(127);
}

UniqueFd receive_listener(int channel) {
    std::array<char, 4096> text{};
    Received received = receive_descriptors(channel, text);
    check_stage(received.size, "recvmsg(listener)");
    if (received.size == 1 && received.descriptors.size() == 1) return std::move(received.descriptors.front());
    StartProblem problem = parse_problem(std::span(text.data(), static_cast<size_t>(received.size)));
    throw StageFailure{problem.text, problem.error_number};
}

void let_go(int channel) { check_stage(::send(channel, "", 1, MSG_NOSIGNAL), "send"); }

StartProblem receive_problem(int channel) {
    std::array<char, 4096> text{};
    const ssize_t size = ::recv(channel, text.data(), text.size(), 0);
    if (size <= 0) return {};
    return parse_problem(std::span(text.data(), static_cast<size_t>(size)));
}

}  // namespace gbuild::sandbox
