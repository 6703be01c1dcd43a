#include "key_agent.h"

#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

extern char** environ;

namespace gbuild::cli {

namespace fs = std::filesystem;

namespace {

constexpr size_t longest_complaint = 1000;

// Names of sockets are short, and TMPDIR need not be.
fs::path short_parent() {
    const fs::path usual = fs::temp_directory_path();
    constexpr size_t room_for_name = 32;
    return usual.native().size() + room_for_name < sizeof(sockaddr_un::sun_path) ? usual : fs::path("/tmp");
}

// All that the other end writes until it closes it, up to a cap.
std::string read_to_end(int fd) {
    std::string text;
    std::array<char, 512> buffer;
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("cannot read what a program says");
        if (got == 0) return text;
        if (text.size() < longest_complaint) text.append(buffer.data(), static_cast<size_t>(got));
    }
}

Error without_program(Error error) {
    error.hint("install an ssh client (openssh-client), or give the socket of an agent: --ssh ID=SOCKET");
    return error;
}

}  // namespace

KeyAgent::KeyAgent(const std::vector<fs::path>& keys) : place_(short_parent()) {
    // ssh-agent runs a command, and this one waits for the end of its input: ours, which closes however we end.
    const std::string command = "echo listening; cat > /dev/null; kill \"$SSH_AGENT_PID\"";
    const UniqueFd nothing = open_file("/dev/null", O_RDWR);
    StreamPair input = make_stream_pair(), said = make_stream_pair();
    try {
        agent_.emplace(std::vector<std::string>{"ssh-agent", "-a", socket().native(), "sh", "-c", command},
                       ChildOptions{input.theirs.get(), said.theirs.get(), nothing.get(), std::nullopt, true});
    } catch (const Error& error) {
        throw without_program(error);
    }
    life_ = std::move(input.ours);
    said.theirs.reset();
    std::array<char, 64> words;
    ssize_t got = 0;
    do got = ::read(said.ours.get(), words.data(), words.size());
    while (got < 0 && errno == EINTR);
    if (got <= 0) throw Error(ErrorKind::io, "ssh-agent does not start").hint("try it in a shell");
    for (const fs::path& key : keys) add(key);
}

KeyAgent::~KeyAgent() {
    life_.reset();
    agent_->wait();
}

void KeyAgent::add(const fs::path& key) const {
    std::vector<std::string> environment;
    for (char** at = environ; *at; at++) {
        const std::string_view entry = *at;
        if (!entry.starts_with("SSH_AUTH_SOCK=") && !entry.starts_with("SSH_ASKPASS")) environment.emplace_back(entry);
    }
    environment.push_back("SSH_AUTH_SOCK=" + socket().native());
    environment.emplace_back("SSH_ASKPASS_REQUIRE=never");
    const UniqueFd nothing = open_file("/dev/null", O_RDWR);
    StreamPair said = make_stream_pair();
    // A session of its own has no terminal to ask for a passphrase on.
    Child program({"ssh-add", "-q", fs::absolute(key).native()},
                  {nothing.get(), said.theirs.get(), said.theirs.get(), std::move(environment), true});
    said.theirs.reset();
    const std::string complaint = printable(trim(read_to_end(said.ours.get())));
    if (program.wait() == 0) return;
    throw Error(ErrorKind::unsupported,
                fmt::format("ssh-add does not take the key {} without a question: {}", quoted(key.native()),
                            complaint.empty() ? "it has a passphrase" : complaint))
        .hint("add a key that has a passphrase to an agent of yours (ssh-add FILE), and give --ssh default");
}

}  // namespace gbuild::cli
