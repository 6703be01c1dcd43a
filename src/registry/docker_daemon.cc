#include "gbuild/registry/docker_daemon.h"

#include <unistd.h>

#include <cerrno>
#include <exception>

#include <fmt/format.h>

#include "curl_handle.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"
#include "gbuild/oci/json.h"

namespace gbuild::registry {

namespace {

constexpr long http_ok = 200, http_not_found = 404, connect_seconds = 30;
constexpr size_t max_message = 16u << 10;

// What the daemon sends: an archive, or, with another status, the reason why not.
struct Answer {
    int fd;
    long status = 0;
    std::string message;
    std::exception_ptr failure;
};

// libcurl calls it for each line of the answer's head.
size_t take_header(char* data, size_t, size_t size, void* user) {
    const std::string_view line(data, size);
    if (line.starts_with("HTTP/")) {
        const size_t space = line.find(' ');
        const auto status = space == std::string_view::npos ? std::nullopt : parse_decimal(line.substr(space + 1, 3));
        static_cast<Answer*>(user)->status = static_cast<long>(status.value_or(0));
    }
    return size;
}

// Anything but `size` ends the transfer.
size_t take_body(char* data, size_t, size_t size, void* user) {
    auto& answer = *static_cast<Answer*>(user);
    try {
        if (answer.status == http_ok)
            write_all(answer.fd, std::string_view(data, size));
        else if (answer.message.size() + size <= max_message)
            answer.message.append(data, size);
        return size;
    } catch (const std::exception&) {
        answer.failure = std::current_exception();
        return 0;
    }
}

std::string path_encoded(std::string_view reference) {
    std::string encoded;
    for (char c : reference) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("/-._~:@").find(c) != std::string_view::npos;
        encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

// {"message": "No such image: x"}, or text.
std::string reason(const std::string& message) {
    try {
        const nlohmann::json document = oci::parse_json(message, "answer");
        return printable(oci::JsonValue(document, "answer").require("message").string());
    } catch (const Error&) {
        return printable(trim(message));
    }
}

void require_socket(const std::filesystem::path& socket) {
    constexpr const char* otherwise = "or write the image to a file with docker save, and give docker-archive://FILE";
    if (::access(socket.c_str(), R_OK | W_OK) == 0) return;
    if (errno == EACCES) {
        throw Error(ErrorKind::permission,
                    fmt::format("the docker daemon's socket {} is not for this user", quoted(socket.native())))
            .hint(fmt::format("have yourself added to the group docker, {}", otherwise));
    }
    throw Error(ErrorKind::network, fmt::format("there is no docker daemon at {}", quoted(socket.native())))
        .hint(fmt::format("start it, set DOCKER_HOST=unix://SOCKET, {}", otherwise));
}

[[noreturn]] void refused(const Answer& answer, const std::string& reference) {
    const std::string why = reason(answer.message);
    if (answer.status == http_not_found) {
        throw Error(ErrorKind::not_found, fmt::format("the docker daemon has no image {}: {}", quoted(reference), why))
            .hint("docker images lists those that it has");
    }
    throw Error(ErrorKind::network, fmt::format("the docker daemon answered {}: {}", answer.status, why));
}

}  // namespace

std::filesystem::path daemon_socket(const std::optional<std::string>& docker_host) {
    const std::string host = docker_host.value_or("");
    if (host.empty()) return "/var/run/docker.sock";
    constexpr std::string_view scheme = "unix://";
    if (host.starts_with(scheme)) return host.substr(scheme.size());
    throw Error(ErrorKind::unsupported, fmt::format("DOCKER_HOST {} is no socket of this machine", quoted(host)))
        .hint("docker save writes the image to a file: give docker-archive://FILE");
}

void save_from_daemon(const std::filesystem::path& socket, const std::string& reference, int fd,
                      const std::stop_token& stop) {
    require_socket(socket);
    Answer answer{fd, 0, {}, nullptr};
    CurlHandle handle;
    handle.reset();
    handle.set(CURLOPT_URL, fmt::format("http://docker/images/{}/get", path_encoded(reference)).c_str());
    handle.set(CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    handle.set(CURLOPT_PROXY, "");
    handle.set(CURLOPT_CONNECTTIMEOUT, connect_seconds);
    handle.set(CURLOPT_HEADERFUNCTION, take_header);
    handle.set(CURLOPT_HEADERDATA, &answer);
    handle.set(CURLOPT_WRITEFUNCTION, take_body);
    handle.set(CURLOPT_WRITEDATA, &answer);
    const CURLcode code = handle.run(stop);
    if (answer.failure) std::rethrow_exception(answer.failure);
    if (code != CURLE_OK) {
        throw Error(ErrorKind::network, fmt::format("the docker daemon at {} broke off: {}", quoted(socket.native()),
                                                    handle.failure(code).explanation));
    }
    if (answer.status != http_ok) refused(answer, reference);
}

}  // namespace gbuild::registry
