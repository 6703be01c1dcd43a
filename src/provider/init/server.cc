#include "server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "report.h"
#include "volume.h"

namespace gbuild::guest {

namespace wire = provider::wire;

namespace {

template <class Number>
void append(std::string& bytes, Number number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string message(uint64_t id, wire::Answer type) {
    std::string bytes;
    append(bytes, id);
    append(bytes, static_cast<uint8_t>(type));
    return bytes;
}

Descriptor watch_children() {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &watched, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return Descriptor(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Server::Server(Descriptor channel, Settings::Mode mode) :
    channel_(std::move(channel)), children_(watch_children()), mode_(mode) {}

void Server::run() {
    for (;;) {
        std::vector<pollfd> fds = {{channel_.get(), POLLIN, 0}, {children_.get(), POLLIN, 0}};
        for (const auto& [number, process] : processes_) {
            fds.push_back({process->waiting.empty() ? -1 : process->input.get(), POLLOUT, 0});
            for (const Stream& stream : process->streams) {
                fds.push_back({stream.wants_more() ? stream.source() : -1, POLLIN, 0});
            }
        }
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) fail("cannot wait", errno);
        size_t at = 2;
        for (const auto& [number, process] : processes_) {
            if (fds[at++].revents != 0) feed(*process);
            for (Stream& stream : process->streams) {
                if (fds[at++].revents != 0) fill(*process, stream);
            }
        }
        if (fds[1].revents != 0) collect_ended();
        if (fds[0].revents != 0) read_channel();
        forget_done();
    }
}

void Server::read_channel() {
    std::array<char, 1 << 16> buffer;
    const ssize_t size = ::read(channel_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) return;
    if (size <= 0) power_off();
    requests_.add({buffer.data(), static_cast<size_t>(size)});
    while (const auto request = requests_.next()) answer(*request);
}

void Server::answer(const Request& request) {
    switch (request.type) {
    case wire::Request::quit: send_ok(request.id); power_off();
    case wire::Request::start: return start(request);
    case wire::Request::kill: return kill(request);
    case wire::Request::mount: return mount(request);
    case wire::Request::output: return output(request);
    case wire::Request::input: return input(request);
    case wire::Request::add_hosts: return add_hosts(request);
    case wire::Request::failure: return send_number(request.id, last_failure_);
    case wire::Request::space: return space(request);
    case wire::Request::resize: return resize(request);
    }
    send_error(request.id, ENOSYS);
}

void Server::start(const Request& request) {
    StartFailure failure;
    auto process = start_process(request, failure);
    if (!process) {
        last_failure_ = failure.reason;
        return send_error(request.id, failure.error_number);
    }
    process->number = next_++;
    send_number(request.id, process->number);
    processes_.emplace(process->number, std::move(process));
}

void Server::kill(const Request& request) {
    const Process* process = find(request.process);
    if (process == nullptr || process->ended) return send_error(request.id, ESRCH);
    // With all that it started and that did not go its own way.
    if (::kill(-process->pid, static_cast<int>(request.signal)) != 0) return send_error(request.id, errno);
    send_ok(request.id);
}

void Server::mount(const Request& request) {
    if (mode_ != Settings::Mode::machine) return send_error(request.id, ENOSYS);
    const int error_number = mount_volume(request.tag, request.path);
    error_number == 0 ? send_ok(request.id) : send_error(request.id, error_number);
}

void Server::output(const Request& request) {
    Process* process = find(request.process);
    Stream* stream = process == nullptr ? nullptr : process->stream(request.descriptor);
    if (stream == nullptr) return send_error(request.id, process == nullptr ? ESRCH : EBADF);
    // All that a process wrote before it ended is behind its end.
    if (process->ended && stream->source() >= 0) stream->fill();
    const std::string taken = stream->take(request.offset, request.length);
    if (process->ended && taken.empty()) stream->keep_latest();
    std::string bytes = message(request.id, wire::Answer::bytes);
    append(bytes, static_cast<uint64_t>(taken.size()));
    send(bytes + taken);
}

void Server::input(const Request& request) {
    Process* process = find(request.process);
    if (process == nullptr || !process->input) return send_error(request.id, process == nullptr ? ESRCH : EBADF);
    if (process->waiting_id != 0) return send_error(request.id, EBUSY);
    if (request.data.empty()) {
        if (!process->terminal) process->input.reset();
        return send_ok(request.id);
    }
    process->waiting = request.data;
    process->waiting_id = request.id;
    feed(*process);
}

void Server::add_hosts(const Request& request) {
    if (mode_ == Settings::Mode::serve) return send_error(request.id, ENOSYS);
    std::string lines;
    for (const auto& [address, name] : request.hosts) lines += address + " " + name + "\n";
    const Descriptor file(::open("/etc/hosts", O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!file || ::write(file.get(), lines.data(), lines.size()) < 0) return send_error(request.id, errno);
    send_ok(request.id);
}

void Server::space(const Request& request) {
    struct statvfs status {};
    if (::statvfs("/", &status) != 0) return send_error(request.id, errno);
    send_number(request.id, uint64_t{status.f_bavail} * status.f_frsize);
}

void Server::resize(const Request& request) {
    const Process* process = find(request.process);
    if (process == nullptr || !process->terminal) return send_error(request.id, ESRCH);
    set_terminal_size(process->input.get(), request.size);
    send_ok(request.id);
}

void Server::collect_ended() {
    signalfd_siginfo info;
    while (::read(children_.get(), &info, sizeof info) > 0) {
    }
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        const auto found = std::find_if(processes_.begin(), processes_.end(),
                                        [&](const auto& entry) { return entry.second->pid == pid; });
        if (found == processes_.end()) continue;
        Process& process = *found->second;
        process.ended = true;
        if (!process.terminal) process.input.reset();
        std::string bytes = message(0, wire::Answer::ended);
        append(bytes, process.number);
        const bool exited = WIFEXITED(status);
        append(bytes, static_cast<uint8_t>(exited ? WEXITSTATUS(status) : WTERMSIG(status)));
        const wire::End killed = WCOREDUMP(status) ? wire::End::dumped : wire::End::killed;
        append(bytes, static_cast<uint8_t>(exited ? wire::End::exited : killed));
        send(bytes);
        if (process.waiting_id != 0) send_error(std::exchange(process.waiting_id, 0), EPIPE);
        process.waiting.clear();
    }
}

void Server::feed(Process& process) {
    while (!process.waiting.empty()) {
        const ssize_t size = ::write(process.input.get(), process.waiting.data(), process.waiting.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) return;
        if (size < 0) {
            process.waiting.clear();
            if (!process.terminal) process.input.reset();
            return send_error(std::exchange(process.waiting_id, 0), EPIPE);
        }
        process.waiting.erase(0, static_cast<size_t>(size));
    }
    send_ok(std::exchange(process.waiting_id, 0));
}

void Server::fill(Process& process, Stream& stream) {
    if (!stream.fill()) return;
    std::string bytes = message(0, wire::Answer::output);
    append(bytes, process.number);
    append(bytes, stream.descriptor());
    send(bytes);
}

void Server::forget_done() {
    std::erase_if(processes_, [](const auto& entry) { return entry.second->is_done(); });
}

Process* Server::find(uint64_t number) {
    const auto found = processes_.find(number);
    return found == processes_.end() ? nullptr : found->second.get();
}

void Server::send(const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();) {
        const ssize_t size = ::write(channel_.get(), bytes.data() + sent, bytes.size() - sent);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) power_off();
        sent += static_cast<size_t>(size);
    }
}

void Server::send_ok(uint64_t id) { send(message(id, wire::Answer::ok)); }

void Server::send_number(uint64_t id, uint64_t number) {
    std::string bytes = message(id, wire::Answer::number);
    append(bytes, number);
    send(bytes);
}

void Server::send_error(uint64_t id, int error_number) {
    std::string bytes = message(id, wire::Answer::error);
    append(bytes, static_cast<uint32_t>(error_number));
    send(bytes);
}

}  // namespace gbuild::guest
