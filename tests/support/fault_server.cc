#include "support/fault_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::test {

namespace {

// The client's side of a connection, read in requests.
class RequestReader {
  public:
    RequestReader(int fd, const FaultServer::CutBody& cut_body) : fd_(fd), cut_body_(cut_body) {}

    // nullopt when the client has gone.
    std::optional<HttpRequest> next() {
        auto head = until("\r\n\r\n");
        if (!head) return std::nullopt;
        HttpRequest request;
        size_t line_end = head->find("\r\n");
        auto words = split(std::string_view(*head).substr(0, line_end), ' ');
        if (words.size() != 3) return std::nullopt;
        request.method = words[0];
        request.target = words[1];
        size_t question = request.target.find('?');
        request.path = request.target.substr(0, question);
        if (question != std::string::npos) request.query = request.target.substr(question + 1);
        read_headers(std::string_view(*head).substr(line_end + 2), request);
        auto length = parse_decimal(request.header("content-length")).value_or(0);
        if (equal_ignoring_case(request.header("expect"), "100-continue")) go_on();
        auto cut = cut_body_ ? cut_body_(request) : std::nullopt;
        request.cut = cut && *cut < length;
        if (request.cut) length = *cut;
        while (buffer_.size() < length) {
            if (!more()) return std::nullopt;
        }
        request.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return request;
    }
    // Until the client closes its end.
    void wait_for_end() {
        while (more()) buffer_.clear();
    }

  private:
    static void read_headers(std::string_view lines, HttpRequest& request) {
        while (!lines.empty()) {
            size_t end = std::min(lines.find("\r\n"), lines.size());
            std::string_view line = lines.substr(0, end);
            lines.remove_prefix(std::min(end + 2, lines.size()));
            size_t colon = line.find(':');
            if (colon == std::string_view::npos) continue;
            request.headers[to_lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
        }
    }
    std::optional<std::string> until(std::string_view mark) {
        size_t at;
        while ((at = buffer_.find(mark)) == std::string::npos) {
            if (!more() || !speaks_http()) return std::nullopt;
        }
        std::string out = buffer_.substr(0, at + 2);
        buffer_.erase(0, at + mark.size());
        return out;
    }
    bool more() {
        char bytes[4096];
        ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
        if (n <= 0) return false;
        buffer_.append(bytes, static_cast<size_t>(n));
        return true;
    }
    void go_on() const {
        constexpr std::string_view answer = "HTTP/1.1 100 Continue\r\n\r\n";
        ::send(fd_, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    bool speaks_http() {
        if (buffer_.front() >= 'A' && buffer_.front() <= 'Z') return true;
        // A TLS greeting, say. Servers answer at once rather than wait for the end of a request.
        constexpr std::string_view answer = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        ::send(fd_, answer.data(), answer.size(), MSG_NOSIGNAL);
        return false;
    }

    int fd_;
    const FaultServer::CutBody& cut_body_;
    std::string buffer_;
};

// False when the client does not take it.
bool send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
}

std::string head_of(const HttpReply& reply) {
    std::string out = fmt::format("HTTP/1.1 {} Status\r\n", reply.status);
    bool has_length = reply.ending == Ending::unframed;
    for (const auto& [name, value] : reply.headers) {
        out += fmt::format("{}: {}\r\n", name, value);
        if (equal_ignoring_case(name, "content-length")) has_length = true;
    }
    if (!has_length) out += fmt::format("Content-Length: {}\r\n", reply.body.size());
    if (reply.ending == Ending::unframed) out += "Connection: close\r\n";
    return out;
}

// True when the connection can take another request.
bool send_reply(int fd, const HttpRequest& request, const HttpReply& reply, RequestReader& reader) {
    if (reply.ending == Ending::no_answer || !send_all(fd, head_of(reply))) return false;
    if (reply.ending == Ending::endless_header) {
        while (send_all(fd, "X-More: and more\r\n")) {
        }
        return false;
    }
    if (!send_all(fd, "\r\n")) return false;
    std::string_view body = request.method == "HEAD" ? std::string_view() : reply.body;
    bool whole = reply.ending == Ending::proper || reply.ending == Ending::unframed;
    if (!send_all(fd, whole ? body : body.substr(0, reply.cut_after))) return false;
    if (reply.ending == Ending::reset) {
        linger now{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (reply.ending == Ending::stall) reader.wait_for_end();
    return reply.ending == Ending::proper;
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
}

struct FaultServer::State {
    Handler handler;
    CutBody cut_body;
    UniqueFd listener;
    uint16_t port = 0;

    mutable std::mutex mutex;
    mutable std::condition_variable arrived;
    std::vector<HttpRequest> requests;
    std::vector<int> open;  // connections that are being served
    bool ending = false;
    std::list<std::thread> workers;
    std::thread acceptor;

    void listen();
    void accept_all();
    void serve(UniqueFd connection, int number);
    void stop();
};

void FaultServer::State::listen() {
    listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (!listener || ::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 64) != 0 ||
        ::getsockname(listener.get(), generic, &size) != 0) {
        throw_errno("cannot listen on loopback");
    }
    port = ntohs(address.sin_port);
}

void FaultServer::State::accept_all() {
    for (int number = 1;; number++) {
        UniqueFd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::lock_guard lock(mutex);
        if (ending) return;
        if (!connection) continue;
        int off = 1;
        ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &off, sizeof off);
        open.push_back(connection.get());
        workers.emplace_back([this, number, fd = connection.release()] { serve(UniqueFd(fd), number); });
    }
}

void FaultServer::State::serve(UniqueFd connection, int number) {
    RequestReader reader(connection.get(), cut_body);
    while (auto request = reader.next()) {
        request->connection = number;
        {
            std::lock_guard lock(mutex);
            requests.push_back(*request);
        }
        arrived.notify_all();
        HttpReply reply = handler(*request);
        if (request->cut || !send_reply(connection.get(), *request, reply, reader)) break;
    }
    // Under the lock, so that stop() never touches a number that the kernel has given away again.
    std::lock_guard lock(mutex);
    open.erase(std::find(open.begin(), open.end(), connection.get()));
    connection.reset();
}

void FaultServer::State::stop() {
    {
        std::lock_guard lock(mutex);
        ending = true;
        ::shutdown(listener.get(), SHUT_RDWR);
        for (int fd : open) ::shutdown(fd, SHUT_RDWR);
    }
    acceptor.join();
    for (auto& worker : workers) worker.join();
}

FaultServer::FaultServer(Handler handler, CutBody cut_body) : state_(std::make_unique<State>()) {
    state_->handler = std::move(handler);
    state_->cut_body = std::move(cut_body);
    state_->listen();
    state_->acceptor = std::thread([state = state_.get()] { state->accept_all(); });
}

FaultServer::~FaultServer() { state_->stop(); }

std::string FaultServer::host() const { return fmt::format("127.0.0.1:{}", state_->port); }

std::vector<HttpRequest> FaultServer::requests() const {
    std::lock_guard lock(state_->mutex);
    return state_->requests;
}

void FaultServer::wait_for_requests(size_t count) const {
    std::unique_lock lock(state_->mutex);
    state_->arrived.wait(lock, [&] { return state_->requests.size() >= count; });
}

}  // namespace gbuild::test
