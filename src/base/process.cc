#include "gbuild/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include <fmt/format.h>

#include "gbuild/base/child.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/stop_event.h"
#include "gbuild/base/text.h"

namespace gbuild {

namespace {

struct Channel {
    UniqueFd read, write;
};

// For what the child writes. Our end does not block: whoever else holds the other end may keep it open for ever.
Channel make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("cannot create a pipe");
    Channel channel{UniqueFd(ends[0]), UniqueFd(ends[1])};
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) throw_errno("cannot set up a pipe");
    return channel;
}

// Moves bytes between the child's three streams and memory until it has ended.
class Conversation {
  public:
    Conversation(const CommandOptions& options, std::string name, StreamPair& in, Channel& out, Channel& err) :
        options_(options), name_(std::move(name)), in_(in.ours), out_(out.read), err_(err.read) {
        if (options_.input.empty()) in_.reset();
    }
    void run(const UniqueFd& end, CommandResult& result) {
        auto deadline = std::chrono::steady_clock::now() + options_.timeout;
        StopEvent stop(options_.stop);
        for (bool ended = false; !ended;) {
            pollfd fds[5] = {{in_.get(), POLLOUT, 0},
                             {out_.get(), POLLIN, 0},
                             {err_.get(), POLLIN, 0},
                             {end.get(), POLLIN, 0},
                             {stop.fd(), POLLIN, 0}};
            wait_for_any(fds, deadline);
            if (fds[4].revents) throw Error(ErrorKind::interrupted, "interrupted");
            ended = fds[3].revents != 0;
            if (fds[0].revents) feed();
            if (fds[1].revents) collect(out_, result.out);
            if (fds[2].revents) collect(err_, result.err);
        }
        // All that the child wrote is in the pipes by now.
        while (out_ && collect(out_, result.out)) {
        }
        while (err_ && collect(err_, result.err)) {
        }
    }

  private:
    void wait_for_any(std::span<pollfd> fds, std::chrono::steady_clock::time_point deadline) const {
        for (;;) {
            auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            int ready = left.count() <= 0 ? 0 : ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
            if (ready > 0) return;
            if (ready < 0 && errno == EINTR) continue;
            if (ready < 0) throw_errno("cannot wait for a child process");
            throw Error(ErrorKind::io,
                        fmt::format("{} did not finish in {} s", quoted(name_), options_.timeout.count()));
        }
    }
    void feed() {
        ssize_t n =
            ::send(in_.get(), options_.input.data() + fed_, options_.input.size() - fed_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n > 0) fed_ += static_cast<size_t>(n);
        if (n < 0 || fed_ == options_.input.size()) in_.reset();  // EPIPE: the child reads no more
    }
    // False when there is nothing more at the moment.
    bool collect(UniqueFd& from, std::string& to) {
        char buffer[4096];
        ssize_t n = ::read(from.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) return true;
        if (n < 0 && errno == EAGAIN) return false;
        if (n <= 0) {
            from.reset();
            return false;
        }
        to.append(buffer, static_cast<size_t>(n));
        if (to.size() > options_.output_cap) {
            throw Error(ErrorKind::limit,
                        fmt::format("{} printed more than {}", quoted(name_), human_size(options_.output_cap)));
        }
        return true;
    }

    const CommandOptions& options_;
    std::string name_;
    UniqueFd &in_, &out_, &err_;
    size_t fed_ = 0;
};

}  // namespace

CommandResult run_command(const std::vector<std::string>& argv, const CommandOptions& options) {
    StreamPair in = make_stream_pair();
    Channel out = make_pipe(), err = make_pipe();
    Child child(argv, {in.theirs.get(), out.write.get(), err.write.get()});
    in.theirs.reset();
    out.write.reset();
    err.write.reset();
    CommandResult result;
    Conversation(options, argv[0], in, out, err).run(child.end(), result);
    result.exit_code = child.wait();
    return result;
}

}  // namespace gbuild
