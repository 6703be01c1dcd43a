#include "ssh_forwarder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/stop_event.h"

namespace gbuild::build {

namespace {

constexpr size_t most_connections = 64;

// A socket's address has room for some hundred bytes only, so its directory is named by descriptor.
class SocketAddress {
  public:
    explicit SocketAddress(const std::filesystem::path& path) :
        directory_(open_file(path.has_parent_path() ? path.parent_path() : ".", O_PATH | O_DIRECTORY)) {
        const std::string name = fmt::format("/proc/self/fd/{}/{}", directory_.get(), path.filename().native());
        if (name.size() >= sizeof address_.sun_path) {
            throw Error(ErrorKind::limit, "the name of a socket is too long").hint("give it a shorter one");
        }
        address_.sun_family = AF_UNIX;
        std::memcpy(address_.sun_path, name.c_str(), name.size() + 1);
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
    static constexpr socklen_t size = sizeof(sockaddr_un);

  private:
    UniqueFd directory_;
    sockaddr_un address_{};
};

UniqueFd new_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

UniqueFd connect_to(const std::filesystem::path& agent) {
    try {
        UniqueFd socket = new_socket();
        const SocketAddress address(agent);
        if (socket && ::connect(socket.get(), address.get(), SocketAddress::size) == 0) return socket;
    } catch (const Error&) {
        // Whoever asked sees the connection end.
    }
    return UniqueFd();
}

// Bytes on their way in one direction.
class Flow {
  public:
    Flow(int from, int to) : from_(from), to_(to) {}

    bool wants_to_read() const { return !ended_ && left().empty(); }
    bool wants_to_write() const { return !left().empty(); }
    bool done() const { return ended_ && left().empty(); }

    void read() {
        const ssize_t size = ::read(from_, buffer_.data(), buffer_.size());
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        begin_ = 0;
        end_ = size > 0 ? static_cast<size_t>(size) : 0;
        ended_ = size <= 0;
        if (ended_) ::shutdown(to_, SHUT_WR);
    }

    void write() {
        const ssize_t size = ::send(to_, left().data(), left().size(), MSG_NOSIGNAL);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size > 0) begin_ += static_cast<size_t>(size);
        if (size > 0) return;
        begin_ = end_;
        ended_ = true;
    }

  private:
    std::string_view left() const { return {buffer_.data() + begin_, end_ - begin_}; }

    int from_, to_;
    std::array<char, 16384> buffer_;
    size_t begin_ = 0, end_ = 0;
    bool ended_ = false;
};

class Connection {
  public:
    Connection(UniqueFd client, UniqueFd agent) :
        client_(std::move(client)),
        agent_(std::move(agent)),
        to_agent_(client_.get(), agent_.get()),
        to_client_(agent_.get(), client_.get()) {}

    // Without an answer nobody has a use for the rest of the question.
    bool done() const { return to_client_.done(); }

    void wait_for(std::vector<pollfd>& fds) const {
        fds.push_back(wish(client_, to_agent_, to_client_));
        fds.push_back(wish(agent_, to_client_, to_agent_));
    }

    void go_on(const pollfd& client, const pollfd& agent) {
        move(to_agent_, client, agent);
        move(to_client_, agent, client);
    }

  private:
    static constexpr short over = POLLHUP | POLLERR;

    // Who hangs up is told of time and again: not while there is nothing to be done about it.
    static pollfd wish(const UniqueFd& socket, const Flow& out, const Flow& in) {
        const auto events =
            static_cast<short>((out.wants_to_read() ? POLLIN : 0) | (in.wants_to_write() ? POLLOUT : 0));
        return {events != 0 ? socket.get() : -1, events, 0};
    }

    static void move(Flow& flow, const pollfd& from, const pollfd& to) {
        if (flow.wants_to_read() && (from.revents & (POLLIN | over)) != 0) flow.read();
        if (flow.wants_to_write() && (to.revents & (POLLOUT | over)) != 0) flow.write();
    }

    UniqueFd client_, agent_;
    Flow to_agent_, to_client_;
};

}  // namespace

SshForwarder::SshForwarder(const std::filesystem::path& directory, std::filesystem::path agent) :
    agent_(std::move(agent)), listener_(new_socket()) {
    const SocketAddress address(directory / socket_name);
    if (!listener_ || ::bind(listener_.get(), address.get(), SocketAddress::size) != 0 ||
        ::listen(listener_.get(), static_cast<int>(most_connections)) != 0) {
        throw_errno("cannot listen for a step's use of the ssh agent");
    }
    thread_ = std::jthread([this](const std::stop_token& stop) {
        try {
            serve(stop);
        } catch (const Error&) {
            listener_.reset();  // who connects from now on is refused
        }
    });
}

void SshForwarder::serve(const std::stop_token& stop) {
    const StopEvent stopped(stop);
    std::list<Connection> connections;
    while (!stop.stop_requested()) {
        const bool full = connections.size() == most_connections;
        std::vector<pollfd> fds = {{stopped.fd(), POLLIN, 0}, {full ? -1 : listener_.get(), POLLIN, 0}};
        for (const Connection& connection : connections) connection.wait_for(fds);
        if (::poll(fds.data(), fds.size(), -1) < 0) continue;
        size_t next = 2;
        for (Connection& connection : connections) {
            connection.go_on(fds[next], fds[next + 1]);
            next += 2;
        }
        connections.remove_if([](const Connection& connection) { return connection.done(); });
        if ((fds[1].revents & POLLIN) == 0) continue;
        UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        UniqueFd agent = client ? connect_to(agent_) : UniqueFd();
        if (agent) connections.emplace_back(std::move(client), std::move(agent));
    }
}

}  // namespace gbuild::build
