#include "gbuild/provider/guest.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "gbuild/base/error.h"

namespace gbuild::provider {

namespace {

constexpr uint64_t own_buffer = 256u << 10;  // what a command writes before it waits for us
constexpr size_t input_at_once = 32u << 10;

}  // namespace

Guest::Guest(UniqueFd channel, Dialect dialect, std::stop_token stop) :
    channel_(std::move(channel)), dialect_(dialect), stop_(std::move(stop)), stopped_(stop_) {
    if (::fcntl(channel_.get(), F_SETFL, O_NONBLOCK) != 0) throw_errno("cannot speak to the machine");
}

uint64_t Guest::send(const std::function<std::string(uint64_t id)>& request, Handler handler) {
    const uint64_t id = next_++;
    outgoing_ += request(id);
    handlers_.emplace(id, std::move(handler));
    return id;
}

AnswerMessage Guest::call(const std::function<std::string(uint64_t id)>& request) {
    std::optional<AnswerMessage> answer;
    send(request, [&](const AnswerMessage& message) { answer = message; });
    while (!answer) exchange(0, {});
    return std::move(*answer);
}

int Guest::mount(std::string_view tag, std::string_view path) {
    const AnswerMessage answer = call([&](uint64_t id) { return mount_request(id, tag, path); });
    return answer.type == wire::Answer::error ? static_cast<int>(answer.code) : 0;
}

void Guest::add_hosts(std::span<const std::pair<std::string, std::string>> hosts) {
    const AnswerMessage answer = call([&](uint64_t id) { return hosts_request(id, hosts); });
    if (answer.type == wire::Answer::error) throw system_error(static_cast<int>(answer.code), "writing /etc/hosts");
}

Started Guest::start(StartRequest request, TakeOutput take) {
    if (dialect_ == Dialect::runtime && request.input != Input::none) {
        throw Error(ErrorKind::unsupported, "the runtime's own init knows neither standard input nor terminals")
            .hint("leave --runtime out: gbuild's init knows them");
    }
    if (dialect_ == Dialect::own) {
        request.kind = wire::Redirect::blocking;
        request.buffer = own_buffer;
    }
    const AnswerMessage answer = call([&](uint64_t id) { return start_request(id, request); });
    if (answer.type == wire::Answer::number) {
        running_[answer.number].take = std::move(take);
        return {answer.number, 0, 0};
    }
    Started failed;
    failed.error_number = answer.type == wire::Answer::error ? static_cast<int>(answer.code) : EPROTO;
    if (dialect_ == Dialect::own) failed.failure = call([](uint64_t id) { return failure_request(id); }).number;
    return failed;
}

Ended Guest::wait(uint64_t process, const Feed& feed) {
    Running& running = running_[process];
    while (!running.ended || running.finished.size() < 2) exchange(process, running.ended ? Feed() : feed);
    const Ended ended = *running.ended;
    running_.erase(process);
    return ended;
}

void Guest::kill(uint64_t process) {
    call([&](uint64_t id) { return kill_request(id, process); });
}

std::optional<uint64_t> Guest::space() {
    if (dialect_ != Dialect::own) return std::nullopt;
    const AnswerMessage answer = call([](uint64_t id) { return space_request(id); });
    return answer.type == wire::Answer::number ? std::optional(answer.number) : std::nullopt;
}

void Guest::quit() {
    try {
        call([](uint64_t id) { return quit_request(id); });
    } catch (const Error&) {
        // It may be gone before its answer has come through.
    }
}

// Waits for anything to happen, and deals with it.
void Guest::exchange(uint64_t process, const Feed& feed) {
    const auto found = running_.find(process);
    const bool takes_input = found != running_.end() && feed.input >= 0 && !found->second.feeding && !found->second.fed;
    const short wanted = outgoing_.empty() ? POLLIN : POLLIN | POLLOUT;
    std::array<pollfd, 4> fds = {{{channel_.get(), wanted, 0},
                                  {stopped_.fd(), POLLIN, 0},
                                  {takes_input ? feed.input : -1, POLLIN, 0},
                                  {feed.resized, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0) {
        if (errno == EINTR) return;
        throw_errno("cannot wait for the machine");
    }
    if (fds[1].revents != 0) throw Error(ErrorKind::interrupted, "interrupted");
    if ((fds[0].revents & POLLOUT) != 0) write_channel();
    if ((fds[0].revents & ~POLLOUT) != 0) read_channel();
    if (fds[2].revents != 0) pass_on(process, feed.input);
    if (fds[3].revents != 0) {
        if (const auto size = feed.new_size()) {
            send([&](uint64_t id) { return resize_request(id, process, *size); }, [](const AnswerMessage&) {});
        }
    }
}

void Guest::lose_machine() {
    gone_ = true;
    throw Error(ErrorKind::io, "the machine has ended");
}

void Guest::read_channel() {
    std::array<char, 1 << 16> buffer;
    const ssize_t size = ::read(channel_.get(), buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size <= 0) lose_machine();
    answers_.add({buffer.data(), static_cast<size_t>(size)});
    while (const auto answer = answers_.next()) handle(*answer);
}

void Guest::write_channel() {
    const ssize_t size = ::send(channel_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size < 0) lose_machine();
    outgoing_.erase(0, static_cast<size_t>(size));
}

void Guest::handle(const AnswerMessage& answer) {
    if (answer.id != 0) {
        auto handler = handlers_.extract(answer.id);
        if (handler.empty()) throw Error(ErrorKind::integrity, "the machine answers what nobody asked");
        return handler.mapped()(answer);
    }
    // A process can end before we know its number: the answer to its start comes first all the same.
    if (answer.type == wire::Answer::output) return ask_output(answer.number, answer.code);
    if (answer.type != wire::Answer::ended) throw Error(ErrorKind::integrity, "the machine answers what nobody asked");
    running_[answer.number].ended = Ended{answer.end, static_cast<int>(answer.code)};
    for (const uint32_t descriptor : {1U, 2U}) ask_output(answer.number, descriptor);
}

// After the end of a process until nothing comes any more.
void Guest::ask_output(uint64_t process, uint32_t descriptor) {
    Running& running = running_[process];
    if (running.finished.contains(descriptor) || !running.asked.insert(descriptor).second) return;
    const auto take = [this, process, descriptor](const AnswerMessage& answer) {
        const auto found = running_.find(process);
        if (found == running_.end()) return;
        Running& asking = found->second;
        asking.asked.erase(descriptor);
        const bool has_bytes = answer.type == wire::Answer::bytes && !answer.bytes.empty();
        if (has_bytes && asking.take) asking.take(descriptor, answer.bytes);
        if (asking.ended && has_bytes) ask_output(process, descriptor);
        if (asking.ended && !has_bytes) asking.finished.insert(descriptor);
    };
    send([&](uint64_t id) { return output_request(id, process, static_cast<uint8_t>(descriptor)); }, take);
}

void Guest::pass_on(uint64_t process, int input) {
    std::array<char, input_at_once> buffer;
    const ssize_t size = ::read(input, buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    Running& running = running_[process];
    running.fed = size <= 0;
    running.feeding = true;
    const std::string_view data(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
    send([&](uint64_t id) { return input_request(id, process, data); },
         [this, process](const AnswerMessage& answer) {
             const auto found = running_.find(process);
             if (found == running_.end()) return;
             found->second.feeding = false;
             // Who does not read any more gets no more.
             if (answer.type == wire::Answer::error) found->second.fed = true;
         });
}

}  // namespace gbuild::provider
