// The git protocol over ssh (gitprotocol-pack(5), "SSH Transport").
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "gbuild/base/child.h"
#include "gbuild/base/error.h"
#include "gbuild/base/stop_event.h"
#include "gbuild/base/text.h"
#include "packets.h"
#include "ssh_command.h"
#include "wire.h"

extern char** environ;

namespace gbuild::git {

namespace {

constexpr size_t kept_of_complaints = 4096;
constexpr int failed_itself = 255;  // ssh(1), EXIT STATUS

std::optional<std::string> variable(const char* name) {
    const char* value = ::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
}

// Ours, without a way to ask questions, and with the agent that the user named.
std::vector<std::string> ssh_environment(const std::filesystem::path& agent) {
    std::vector<std::string> out;
    for (char** at = environ; *at; at++) {
        const std::string_view entry = *at;
        const std::string_view name = entry.substr(0, entry.find('='));
        const bool is_replaced = name == "SSH_ASKPASS_REQUIRE" || (name == "SSH_AUTH_SOCK" && !agent.empty());
        if (!is_replaced) out.emplace_back(entry);
    }
    out.emplace_back("SSH_ASKPASS_REQUIRE=never");
    if (!agent.empty()) out.push_back("SSH_AUTH_SOCK=" + agent.native());
    return out;
}

Error failure(const SshAddress& address, int exit_code, const std::string& complaint) {
    const std::string words = printable(trim(complaint));
    if (exit_code != failed_itself && exit_code != 127) {
        return {ErrorKind::network,
                fmt::format("the server {} says: {}", printable(address.host), words.empty() ? "nothing" : words)};
    }
    const auto says = [&](std::string_view text) { return complaint.find(text) != std::string::npos; };
    const bool is_login = says("Permission denied") || says("Too many authentication failures");
    Error error(is_login ? ErrorKind::unauthorized : ErrorKind::network,
                fmt::format("cannot connect to {} by ssh: {}", printable(address.host), words));
    if (says("IDENTIFICATION HAS CHANGED")) {
        error.hint("find out why the host has another key than the one in known_hosts, before anything else");
    } else if (says("Host key verification failed")) {
        error.hint(fmt::format("connect once with \"ssh {}\", compare the key's fingerprint with what the host's owner "
                               "says, and accept it",
                               printable(address.host)));
    } else if (is_login) {
        error.hint("add a key that the server knows to your ssh agent (ssh-add FILE), or name it in ~/.ssh/config");
    } else {
        error.hint("check the URL and the network");
    }
    return error;
}

// The conversation with the program: its input and output, and what it complains about.
class SshChannel : public Channel {
  public:
    SshChannel(const SshAddress& address, const Remote& remote) :
        address_(address),
        remote_(remote),
        stop_(remote.stop),
        streams_(make_stream_pair()),
        complaints_(make_stream_pair()) {
        ChildOptions options{streams_.theirs.get(), streams_.theirs.get(), complaints_.theirs.get()};
        options.environment = ssh_environment(remote.agent);
        options.own_session = true;
        start(options);
        streams_.theirs.reset();
        complaints_.theirs.reset();
        for (int fd : {streams_.ours.get(), complaints_.ours.get()}) {
            if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) throw_errno("cannot set up a connection to ssh");
        }
    }

    void write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(streams_.ours.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent >= 0)
                bytes.remove_prefix(static_cast<size_t>(sent));
            else if (errno == EAGAIN)
                wait_for(POLLOUT);
            else if (errno == EPIPE || errno == ECONNRESET)
                fail();
            else if (errno != EINTR)
                throw_errno("cannot talk to ssh");
        }
    }

    size_t read(std::span<char> into) override {
        for (;;) {
            const ssize_t got = ::recv(streams_.ours.get(), into.data(), into.size(), 0);
            if (got > 0) {
                received_ += static_cast<uint64_t>(got);
                if (remote_.received) remote_.received(received_);
                return static_cast<size_t>(got);
            }
            if (got == 0 || errno == ECONNRESET) return end();
            if (errno == EAGAIN)
                wait_for(POLLIN);
            else if (errno != EINTR)
                throw_errno("cannot talk to ssh");
        }
    }

  private:
    void start(const ChildOptions& options) {
        const std::vector<std::string> command = ssh_command(address_, variable);
        try {
            child_.emplace(command, options);
        } catch (Error& error) {
            throw error.hint("install an ssh client (openssh-client), or use the repository's https:// URL");
        }
    }

    void wait_for(short events) {
        std::array<pollfd, 3> fds = {pollfd{streams_.ours.get(), events, 0}, pollfd{complaints_.ours.get(), POLLIN, 0},
                                     pollfd{stop_.fd(), POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) throw_errno("cannot wait for ssh");
        if (fds[2].revents != 0) throw Error(ErrorKind::interrupted, "interrupted");
        if (fds[1].revents != 0) collect();
    }

    // False when there is nothing more at the moment.
    bool collect() {
        std::array<char, 1024> buffer;
        const ssize_t got = ::recv(complaints_.ours.get(), buffer.data(), buffer.size(), 0);
        if (got > 0 && complaint_.size() < kept_of_complaints)
            complaint_.append(buffer.data(), static_cast<size_t>(got));
        if (got == 0) complaints_.ours.reset();
        return got > 0;
    }

    // Nothing more comes: because all is said, or because something is wrong.
    size_t end() {
        if (child_) {
            exit_code_ = finish();
            child_.reset();
        }
        if (exit_code_ != 0) throw failure(address_, exit_code_, complaint_);
        return 0;
    }

    [[noreturn]] void fail() {
        end();
        throw Error(ErrorKind::network, fmt::format("{} hung up", printable(address_.host)));
    }

    int finish() {
        const UniqueFd ended = child_->end();
        for (bool is_over = false; !is_over;) {
            std::array<pollfd, 3> fds = {pollfd{ended.get(), POLLIN, 0}, pollfd{complaints_.ours.get(), POLLIN, 0},
                                         pollfd{stop_.fd(), POLLIN, 0}};
            if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) throw_errno("cannot wait for ssh");
            if (fds[2].revents != 0) throw Error(ErrorKind::interrupted, "interrupted");
            is_over = fds[0].revents != 0;
            if (fds[1].revents != 0) collect();
        }
        while (complaints_.ours && collect()) continue;
        return child_->wait();
    }

    SshAddress address_;
    const Remote& remote_;
    StopEvent stop_;
    StreamPair streams_, complaints_;
    std::optional<Child> child_;
    std::string complaint_;
    int exit_code_ = 0;
    uint64_t received_ = 0;
};

class SshWire : public Wire {
  public:
    explicit SshWire(const Remote& remote) : channel_(parse_ssh_address(remote.url), remote) {}

    Channel& list_references() override { return channel_; }
    Channel& upload_pack() override { return channel_; }
    void leave() override { channel_.write(flush_packet); }

  private:
    SshChannel channel_;
};

}  // namespace

std::unique_ptr<Wire> open_ssh_wire(const Remote& remote) { return std::make_unique<SshWire>(remote); }

}  // namespace gbuild::git
