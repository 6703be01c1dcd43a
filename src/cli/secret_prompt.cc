#include "gbuild/cli/secret_prompt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild::cli {

namespace {

constexpr size_t max_secret = size_t{64} * 1024;

// Keeps signals waiting, so that the terminal can be put in order before they do what they do.
class HeldSignals {
  public:
    HeldSignals() {
        sigemptyset(&signals_);
        for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) sigaddset(&signals_, number);
        if (::pthread_sigmask(SIG_BLOCK, &signals_, &previous_) != 0) throw_errno("cannot block signals");
        fd_ = UniqueFd(::signalfd(-1, &signals_, SFD_CLOEXEC));
        if (!fd_) {
            ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
            throw_errno("cannot watch for signals");
        }
    }
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;
    ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
    int fd() const { return fd_.get(); }

  private:
    sigset_t signals_{}, previous_{};
    UniqueFd fd_;
};

class SilentTerminal {
  public:
    SilentTerminal() {
        if (::tcgetattr(STDIN_FILENO, &previous_) != 0) throw_errno("cannot read the terminal's settings");
        termios silent = previous_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0) throw_errno("cannot change the terminal's settings");
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;
    ~SilentTerminal() { ::tcsetattr(STDIN_FILENO, TCSANOW, &previous_); }

  private:
    termios previous_{};
};

// False when a signal comes first.
bool wait_for_input(int signals) {
    std::array<pollfd, 2> polled{{{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}}};
    while (::poll(polled.data(), polled.size(), -1) < 0) {
        if (errno != EINTR) throw_errno("cannot wait for the terminal");
    }
    return polled[1].revents == 0;
}

// A terminal gives a line at a time.
std::string read_line() {
    std::string line;
    while (line.size() < max_secret) {
        char c = 0;
        const ssize_t got = ::read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_errno("cannot read from the terminal");
        if (got == 0 && line.empty()) throw Error(ErrorKind::interrupted, "the question was not answered");
        if (got == 0 || c == '\n') break;
        line += c;
    }
    return line;
}

}  // namespace

bool can_ask(const Console& console) { return ::isatty(STDIN_FILENO) == 1 && console.err.is_terminal(); }

std::string ask_line(const Console& console, std::string_view question) {
    console.err.write(question);
    return read_line();
}

std::string ask_secret(const Console& console, std::string_view question) {
    const HeldSignals signals;
    const SilentTerminal terminal;
    console.err.write(question);
    const bool answered = wait_for_input(signals.fd());
    std::string answer = answered ? read_line() : "";
    console.err.write("\n");
    if (!answered) throw Error(ErrorKind::interrupted, "interrupted while asking for the token");
    return answer;
}

std::string read_secret_from_standard_input() {
    std::string text = read_text(STDIN_FILENO, max_secret, "standard input");
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty()) {
        throw Error(ErrorKind::usage, "--password-stdin: standard input is empty")
            .hint("write the token to it: gbuild login --password-stdin < FILE");
    }
    return text;
}

}  // namespace gbuild::cli
