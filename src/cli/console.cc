#include "gbuild/cli/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "gbuild/base/content_run.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"

namespace gbuild::cli {

namespace {

winsize window(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0) size = {};
    return size;
}

}  // namespace

void Output::write_zeros(uint64_t count) {
    pass_bytes(ContentRun::hole(count), [this](std::span<const std::byte> zeros) { write(as_text(zeros)); });
}

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

void FdOutput::write_zeros(uint64_t count) {
    if (!extend_file(count)) Output::write_zeros(count);
}

// Whether the output is a file's end, which then lies further on.
bool FdOutput::extend_file(uint64_t count) {
    struct stat status {};
    const int flags = ::fcntl(fd_, F_GETFL);
    if (flags < 0 || ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return false;
    const off_t at = (flags & O_APPEND) != 0 ? status.st_size : ::lseek(fd_, 0, SEEK_CUR);
    if (at < status.st_size) return false;
    const off_t end = at + static_cast<off_t>(count);
    if (::ftruncate(fd_, end) != 0 || ::lseek(fd_, end, SEEK_SET) < 0) throw_errno("cannot write the output");
    return true;
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
