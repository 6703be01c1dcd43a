#include "gbuild/cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "gbuild/base/error.h"

namespace gbuild::cli {

namespace {

winsize window(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0) size = {};
    return size;
}

}  // namespace

void FdOutput::write(std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(fd_, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errors_ == WriteErrors::ignore) return;
        if (n < 0 && errno == EPIPE) throw OutputClosed{};
        if (n < 0) throw_errno("cannot write the output");
        text.remove_prefix(static_cast<size_t>(n));
    }
}

bool FdOutput::is_terminal() const { return ::isatty(fd_) == 1; }

int FdOutput::columns() const {
    int columns = window(fd_).ws_col;
    return columns > 0 ? columns : Output::columns();
}

int FdOutput::rows() const {
    int rows = window(fd_).ws_row;
    return rows > 0 ? rows : Output::rows();
}

Color Console::color(const Output& output) const {
    // https://no-color.org: any value but the empty one.
    if (!output.is_terminal() || !env("NO_COLOR").value_or("").empty() || env("TERM").value_or("dumb") == "dumb") {
        return Color::off;
    }
    return Color::on;
}

std::optional<std::string> process_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    if (!value) return std::nullopt;
    return value;
}

}  // namespace gbuild::cli
