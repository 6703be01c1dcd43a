#include "listen_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::serve {

namespace {

[[noreturn]] void refuse(std::string_view listen, std::string_view why) {
    throw Error(ErrorKind::usage, fmt::format("--listen {}: {}", quoted(std::string(listen)), why))
        .hint("give ADDRESS:PORT, for example 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080; port 0 is a free one");
}

// A socket address of either family.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
    sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
};

uint16_t parse_port(std::string_view listen, std::string_view text) {
    const auto port = parse_decimal(text);
    if (!port || *port > 65535) refuse(listen, "the port is not a number from 0 to 65535");
    return static_cast<uint16_t>(*port);
}

SocketAddress parse_address(std::string_view listen) {
    const size_t colon = listen.rfind(':');
    if (colon == std::string_view::npos) refuse(listen, "there is no port");
    std::string host(listen.substr(0, colon));
    const uint16_t port = parse_port(listen, listen.substr(colon + 1));
    if (host == "localhost") host = "127.0.0.1";
    SocketAddress address;
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        if (::inet_pton(AF_INET6, host.c_str(), &address.v6().sin6_addr) != 1) refuse(listen, "not an address");
        address.v6().sin6_family = AF_INET6;
        address.v6().sin6_port = htons(port);
        address.size = sizeof(sockaddr_in6);
    } else {
        if (::inet_pton(AF_INET, host.c_str(), &address.v4().sin_addr) != 1) refuse(listen, "not an address");
        address.v4().sin_family = AF_INET;
        address.v4().sin_port = htons(port);
        address.size = sizeof(sockaddr_in);
    }
    return address;
}

ListenAddress described(SocketAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ListenAddress result;
    if (address.storage.ss_family == AF_INET6) {
        ::inet_ntop(AF_INET6, &address.v6().sin6_addr, text.data(), text.size());
        result.port = ntohs(address.v6().sin6_port);
        result.is_loopback = IN6_IS_ADDR_LOOPBACK(&address.v6().sin6_addr);
        result.is_any = IN6_IS_ADDR_UNSPECIFIED(&address.v6().sin6_addr);
    } else {
        ::inet_ntop(AF_INET, &address.v4().sin_addr, text.data(), text.size());
        result.port = ntohs(address.v4().sin_port);
        const uint32_t number = ntohl(address.v4().sin_addr.s_addr);
        result.is_loopback = number >> 24 == 127;
        result.is_any = number == INADDR_ANY;
    }
    result.host = text.data();
    return result;
}

}  // namespace

std::string ListenAddress::authority() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

ListenSocket listen_on(std::string_view listen) {
    SocketAddress address = parse_address(listen);
    UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) throw_errno("cannot make a socket");
    const int yes = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) throw_errno("cannot set up a socket");
    if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
        const ErrorKind kind = errno == EADDRINUSE ? ErrorKind::conflict : ErrorKind::io;
        throw Error(kind, fmt::format("cannot listen on {}: {}", listen, std::strerror(errno)))
            .hint("give another address or port with --listen; port 0 is a free one");
    }
    if (::getsockname(fd.get(), address.get(), &address.size) != 0) throw_errno("cannot tell a socket's address");
    return {std::move(fd), described(address)};
}

}  // namespace gbuild::serve
