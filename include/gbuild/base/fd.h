// File descriptors that close themselves, and whole reads and writes on them.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gbuild {

// Sole owner of a file descriptor; -1 is none.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    void reset();
    int release() { return std::exchange(fd_, -1); }

  private:
    int fd_ = -1;
};

// open(2) with O_CLOEXEC added; throws system_error naming the path.
UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0644);
// For reading; nullopt when there is nothing at `path`. A symbolic link there is an io error.
std::optional<UniqueFd> open_if_exists(const std::filesystem::path& path);
// Another descriptor of the same open file, with O_CLOEXEC. Throws io.
UniqueFd duplicate(int fd);
UniqueFd open_file_at(int directory, const std::string& name, int flags, mode_t mode = 0644);

// Reads until `buffer` is full or the file ends; returns the bytes read. Throws io.
size_t read_full(int fd, std::span<std::byte> buffer);
size_t pread_full(int fd, std::span<std::byte> buffer, uint64_t offset);
// As pread_full, but a short file is an integrity error that says `what` was read.
void pread_exact(int fd, std::span<std::byte> buffer, uint64_t offset, std::string_view what);

// Write everything. Throws io, or no_space.
void write_all(int fd, std::span<const std::byte> bytes);
void write_all(int fd, std::string_view text);
void pwrite_all(int fd, std::span<const std::byte> bytes, uint64_t offset);

// The size of an open file. Throws io.
uint64_t file_size(int fd);

// The whole file, refused with a limit error beyond `cap` bytes. "not_found" when it is not there.
std::string read_text_file(const std::filesystem::path& path, size_t cap);
std::string read_text(int fd, size_t cap, std::string_view what);

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace gbuild
