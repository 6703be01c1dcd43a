#include "gbuild/base/atomic_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild {

namespace fs = std::filesystem;

namespace {

fs::path directory_of(const fs::path& file) {
    fs::path parent = file.parent_path();
    return parent.empty() ? fs::path(".") : parent;
}

// Unique among processes by pid and within one by the counter; O_EXCL settles the rest.
std::string temporary_name(const fs::path& target) {
    static std::atomic<unsigned> counter{0};
    return fmt::format(".{}.{}.{}.tmp", target.filename().native().substr(0, 200), ::getpid(), counter++);
}

}  // namespace

AtomicFile::AtomicFile(fs::path target, mode_t mode) : AtomicFile(target, directory_of(target), mode) {}

AtomicFile::AtomicFile(fs::path target, const fs::path& staging, mode_t mode) : target_(std::move(target)) {
    do {
        temporary_ = staging / temporary_name(target_);
        fd_ = UniqueFd(::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    } while (!fd_ && errno == EEXIST);
    if (!fd_) {
        int error_number = errno;
        temporary_.clear();
        throw system_error(error_number, fmt::format("cannot write {}", quoted(target_.native())));
    }
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept :
    target_(std::move(other.target_)), temporary_(std::exchange(other.temporary_, {})), fd_(std::move(other.fd_)) {}

AtomicFile::~AtomicFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::commit() {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        throw_errno(fmt::format("cannot rename a finished file to {}", quoted(target_.native())));
    }
    temporary_.clear();
}

void write_file_atomically(const fs::path& target, std::string_view text, mode_t mode) {
    AtomicFile file(target, mode);
    with_context([&] { return fmt::format("writing {}", quoted(target.native())); },
                 [&] { write_all(file.fd(), text); });
    file.commit();
}

TempDir::TempDir(const fs::path& parent) {
    std::string pattern = ((parent.empty() ? fs::temp_directory_path() : parent) / "gbuild-XXXXXX").native();
    if (!::mkdtemp(pattern.data())) throw_errno(fmt::format("cannot create a directory like {}", quoted(pattern)));
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;  // a destructor has nobody to tell
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

UniqueFd anonymous_file(const fs::path& directory) {
    UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd) return fd;
    // EOPNOTSUPP on overlayfs before 6.3, NFS and others; EISDIR on old kernels.
    std::string pattern = (directory / "spool-XXXXXX").native();
    fd = UniqueFd(::mkostemp(pattern.data(), O_CLOEXEC));
    if (!fd) throw_errno(fmt::format("cannot create a file in {}", quoted(directory.native())));
    ::unlink(pattern.c_str());
    return fd;
}

}  // namespace gbuild
