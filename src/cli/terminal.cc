#include "terminal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "gbuild/base/error.h"

namespace gbuild::cli {

LentTerminal::LentTerminal() {
    if (::tcgetattr(0, &before_) != 0) {
        throw Error(ErrorKind::usage, "-t needs a terminal, and standard input is none").hint("leave -t out");
    }
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &watched, nullptr);
    resized_ = UniqueFd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!resized_) throw_errno("cannot watch the terminal's size");
}

LentTerminal::~LentTerminal() {
    if (begun_) ::tcsetattr(0, TCSADRAIN, &before_);
}

provider::TerminalSize LentTerminal::size() {
    winsize window{};
    if (::ioctl(0, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) return {};
    return {window.ws_row, window.ws_col};
}

void LentTerminal::begin() {
    termios raw = before_;
    ::cfmakeraw(&raw);
    ::tcsetattr(0, TCSADRAIN, &raw);
    begun_ = true;
}

provider::Feed LentTerminal::feed() {
    auto new_size = [this]() -> std::optional<provider::TerminalSize> {
        signalfd_siginfo info;
        if (::read(resized_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
        return size();
    };
    return {0, resized_.get(), new_size};
}

}  // namespace gbuild::cli
