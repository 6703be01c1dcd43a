#include "engine/ssh_forwarder.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "gbuild/base/atomic_file.h"
#include "support/catch.h"

namespace fs = std::filesystem;
using namespace gbuild;
using gbuild::build::SshForwarder;

namespace {

sockaddr_un address_of(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

UniqueFd unix_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

UniqueFd connected(const fs::path& path) {
    UniqueFd socket = unix_socket();
    const sockaddr_un address = address_of(path);
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
}

// Sends everything back, in capitals, to as many as ask; ends with its listener.
class Agent {
  public:
    explicit Agent(const fs::path& path) : listener_(unix_socket()) {
        const sockaddr_un address = address_of(path);
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), 10) == 0);
        thread_ = std::jthread([this] { serve(); });
    }
    ~Agent() { ::shutdown(listener_.get(), SHUT_RDWR); }

  private:
    void serve() {
        for (;;) {
            const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
            if (!client) return;
            char buffer[4096];
            for (ssize_t size; (size = ::read(client.get(), buffer, sizeof buffer)) > 0;) {
                for (ssize_t i = 0; i < size; i++) buffer[i] = static_cast<char>(::toupper(buffer[i]));
                write_all(client.get(), std::string_view(buffer, static_cast<size_t>(size)));
            }
        }
    }
    UniqueFd listener_;
    std::jthread thread_;
};

std::string answer_to(const UniqueFd& socket, std::string_view question) {
    write_all(socket.get(), question);
    std::string answer(question.size(), '\0');
    read_full(socket.get(), std::as_writable_bytes(std::span(answer)));
    return answer;
}

}  // namespace

TEST_CASE("an agent is asked through the forwarder, time and again") {
    TempDir dir;
    const Agent agent(dir.path() / "real");
    const SshForwarder forwarder(dir.path(), dir.path() / "real");
    for (int i = 0; i < 3; i++) {
        const UniqueFd socket = connected(dir.path() / SshForwarder::socket_name);
        CHECK(answer_to(socket, "hello") == "HELLO");
        CHECK(answer_to(socket, "again") == "AGAIN");
        ::shutdown(socket.get(), SHUT_WR);
        char more = 0;
        CHECK(::read(socket.get(), &more, 1) == 0);
    }
}

TEST_CASE("much is forwarded while nobody reads the answer yet") {
    TempDir dir;
    const Agent agent(dir.path() / "real");
    const SshForwarder forwarder(dir.path(), dir.path() / "real");
    const UniqueFd socket = connected(dir.path() / SshForwarder::socket_name);
    const std::string question(3'000'000, 'q');
    std::jthread writer([&] { write_all(socket.get(), question); });
    std::string answer(question.size(), '\0');
    read_full(socket.get(), std::as_writable_bytes(std::span(answer)));
    CHECK(answer == std::string(question.size(), 'Q'));
}

TEST_CASE("without an agent a connection ends at once") {
    TempDir dir;
    const SshForwarder forwarder(dir.path(), dir.path() / "nothing");
    const UniqueFd socket = connected(dir.path() / SshForwarder::socket_name);
    char byte = 0;
    CHECK(::read(socket.get(), &byte, 1) <= 0);
}

TEST_CASE("the forwarder ends while it is used") {
    TempDir dir;
    const Agent agent(dir.path() / "real");
    UniqueFd socket;
    {
        const SshForwarder forwarder(dir.path(), dir.path() / "real");
        socket = connected(dir.path() / SshForwarder::socket_name);
        CHECK(answer_to(socket, "x") == "X");
    }
    char byte = 0;
    CHECK(::read(socket.get(), &byte, 1) <= 0);
}
