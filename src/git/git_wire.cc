// The git protocol over TCP (gitprotocol-pack(5), "Git Transport").
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/stop_event.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/url.h"
#include "packets.h"
#include "wire.h"

namespace gbuild::git {

namespace {

constexpr int connect_timeout_ms = 20'000;
constexpr int stall_timeout_ms = 60'000;
constexpr std::string_view default_port = "9418";
constexpr size_t longest_address = 4096;

struct GitAddress {
    std::string host, port, path;
    std::string authority;  // as written
};

GitAddress parse_address(const std::string& url) {
    const std::string rest = url.substr(url.find("://") + 3);
    const size_t slash = rest.find('/');
    GitAddress address;
    address.authority = rest.substr(0, slash);
    address.path = slash == std::string::npos ? "" : rest.substr(slash);
    size_t colon = address.authority.rfind(':');
    const size_t bracket = address.authority.rfind(']');
    if (colon != std::string::npos && bracket != std::string::npos && colon < bracket) colon = std::string::npos;
    address.host = address.authority.substr(0, colon);
    address.port = colon == std::string::npos ? std::string(default_port) : address.authority.substr(colon + 1);
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
        address.host = address.host.substr(1, address.host.size() - 2);
    }
    const bool is_sane = !address.host.empty() && address.path.size() > 1 && address.path.size() <= longest_address &&
                         address.authority.find('@') == std::string::npos && url.find('\0') == std::string::npos &&
                         parse_decimal(address.port).value_or(0) - 1 < 65535;
    if (!is_sane) {
        throw Error(ErrorKind::usage,
                    fmt::format("{} is no URL of a git repository", quoted(registry::without_user_info(url))))
            .hint("write git://HOST[:PORT]/PATH");
    }
    return address;
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

class Connection {
  public:
    Connection(const GitAddress& address, const std::stop_token& stop) : name_(address.authority), stop_(stop) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* list = nullptr;
        const int code = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &list);
        if (code != 0) {
            throw Error(ErrorKind::network,
                        fmt::format("unknown host {}: {}", quoted(address.host), gai_strerror(code)))
                .hint("check the name and the network");
        }
        const std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
        int error = 0;
        for (const addrinfo* at = list; at && !socket_; at = at->ai_next) error = connect_to(*at);
        if (!socket_) fail(error);
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent >= 0)
                bytes.remove_prefix(static_cast<size_t>(sent));
            else if (errno == EAGAIN)
                wait(POLLOUT, stall_timeout_ms);
            else if (errno != EINTR)
                fail(errno);
        }
    }

    size_t receive(std::span<char> into) {
        for (;;) {
            const ssize_t got = ::recv(socket_.get(), into.data(), into.size(), 0);
            if (got >= 0) return static_cast<size_t>(got);
            if (errno == EAGAIN)
                wait(POLLIN, stall_timeout_ms);
            else if (errno != EINTR)
                fail(errno);
        }
    }

  private:
    [[noreturn]] void fail(int error) const {
        throw Error(ErrorKind::network, fmt::format("cannot talk to {}: {}", name_, std::strerror(error)));
    }

    // 0, with socket_ set, or what went wrong.
    int connect_to(const addrinfo& address) {
        UniqueFd made(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol));
        if (!made) return errno;
        if (::connect(made.get(), address.ai_addr, address.ai_addrlen) != 0 && errno != EINPROGRESS) return errno;
        std::swap(socket_, made);
        wait(POLLOUT, connect_timeout_ms);
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
        if (error != 0) socket_.reset();
        return error;
    }

    void wait(short events, int timeout) const {
        std::array<pollfd, 2> fds = {pollfd{socket_.get(), events, 0}, pollfd{stop_.fd(), POLLIN, 0}};
        const int ready = ::poll(fds.data(), fds.size(), timeout);
        if (ready < 0 && errno != EINTR) fail(errno);
        if (fds[1].revents != 0) throw Error(ErrorKind::interrupted, "interrupted");
        if (ready == 0) fail(ETIMEDOUT);
    }

    std::string name_;
    StopEvent stop_;
    UniqueFd socket_;
};

class GitChannel : public Channel {
  public:
    GitChannel(Connection& connection, const Remote& remote, uint64_t& received) :
        connection_(connection), remote_(remote), received_(received) {}
    void write(std::string_view bytes) override { connection_.send(bytes); }
    size_t read(std::span<char> into) override {
        const size_t got = connection_.receive(into);
        received_ += got;
        if (remote_.received) remote_.received(received_);
        return got;
    }

  private:
    Connection& connection_;
    const Remote& remote_;
    uint64_t& received_;
};

class GitWire : public Wire {
  public:
    explicit GitWire(const Remote& remote) : remote_(remote), address_(parse_address(remote.url)) {}

    Channel& list_references() override {
        connection_.emplace(address_, remote_.stop);
        connection_->send(
            packet(fmt::format("git-upload-pack {}{}host={}{}", address_.path, '\0', address_.authority, '\0')));
        channel_.emplace(*connection_, remote_, received_);
        return *channel_;
    }
    Channel& upload_pack() override { return channel_.value(); }
    void leave() override { connection_->send(flush_packet); }

  private:
    const Remote& remote_;
    GitAddress address_;
    std::optional<Connection> connection_;
    std::optional<GitChannel> channel_;
    uint64_t received_ = 0;
};

}  // namespace

std::unique_ptr<Wire> open_git_wire(const Remote& remote) { return std::make_unique<GitWire>(remote); }

}  // namespace gbuild::git
