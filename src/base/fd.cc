#include "gbuild/base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild {

void UniqueFd::reset() {
    // close(2) is not retried on EINTR: on Linux the descriptor is gone either way.
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd) throw_errno(fmt::format("cannot open {}", quoted(path.native())));
    return fd;
}

std::optional<UniqueFd> open_if_exists(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (fd) return fd;
    if (errno == ENOENT) return std::nullopt;
    throw_errno(fmt::format("cannot open {}", quoted(path.native())));
}

UniqueFd duplicate(int fd) {
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) throw_errno("cannot duplicate a file descriptor");
    return copy;
}

UniqueFd open_file_at(int directory, const std::string& name, int flags, mode_t mode) {
    UniqueFd fd(::openat(directory, name.c_str(), flags | O_CLOEXEC, mode));
    if (!fd) throw_errno(fmt::format("cannot open {}", quoted(name)));
    return fd;
}

namespace {

// Repeats `transfer(buffer, offset)` until the buffer is done or it returns 0.
template <class Span, class Transfer>
size_t transfer_full(Span buffer, std::string_view what, Transfer&& transfer) {
    size_t done = 0;
    while (done < buffer.size()) {
        ssize_t n = transfer(buffer.subspan(done), done);
        if (n < 0) {
            if (errno == EINTR) continue;
            throw_errno(what);
        }
        if (n == 0) break;
        done += static_cast<size_t>(n);
    }
    return done;
}

}  // namespace

size_t read_full(int fd, std::span<std::byte> buffer) {
    return transfer_full(buffer, "cannot read",
                         [&](auto rest, size_t) { return ::read(fd, rest.data(), rest.size()); });
}

size_t pread_full(int fd, std::span<std::byte> buffer, uint64_t offset) {
    return transfer_full(buffer, "cannot read", [&](auto rest, size_t done) {
        return ::pread(fd, rest.data(), rest.size(), static_cast<off_t>(offset + done));
    });
}

void pread_exact(int fd, std::span<std::byte> buffer, uint64_t offset, std::string_view what) {
    if (pread_full(fd, buffer, offset) != buffer.size()) {
        throw Error(ErrorKind::integrity, fmt::format("{} is cut short", what));
    }
}

void write_all(int fd, std::span<const std::byte> bytes) {
    transfer_full(bytes, "cannot write", [&](auto rest, size_t) { return ::write(fd, rest.data(), rest.size()); });
}

void write_all(int fd, std::string_view text) { write_all(fd, as_bytes(text)); }

void pwrite_all(int fd, std::span<const std::byte> bytes, uint64_t offset) {
    transfer_full(bytes, "cannot write", [&](auto rest, size_t done) {
        return ::pwrite(fd, rest.data(), rest.size(), static_cast<off_t>(offset + done));
    });
}

uint64_t file_size(int fd) {
    struct stat st;
    if (::fstat(fd, &st) != 0) throw_errno("cannot stat an open file");
    return static_cast<uint64_t>(st.st_size);
}

std::string read_text_file(const std::filesystem::path& path, size_t cap) {
    UniqueFd fd = open_file(path, O_RDONLY);
    return read_text(fd.get(), cap, quoted(path.native()));
}

std::string read_text(int fd, size_t cap, std::string_view what) {
    std::string text;
    constexpr size_t run = size_t{64} * 1024;
    for (;;) {
        size_t old = text.size();
        text.resize(old + run);
        size_t n = with_context([&] { return fmt::format("reading {}", what); },
                                [&] { return read_full(fd, std::as_writable_bytes(std::span(text).subspan(old))); });
        text.resize(old + n);
        if (text.size() > cap) {
            throw Error(ErrorKind::limit, fmt::format("{} is larger than {}", what, human_size(cap)));
        }
        if (n < run) return text;
    }
}

}  // namespace gbuild
