#include "gbuild/base/atomic_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/remove_tree.h"
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

std::string link_of(const UniqueFd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

// A file without a name, so that not even kill -9 leaves anything behind; none where the file system has no O_TMPFILE
// (overlayfs before 6.3, NFS) or where /proc, which later gives it its name, is not there.
UniqueFd nameless_file(const fs::path& directory, mode_t mode) {
    UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
    if (fd && ::access(link_of(fd).c_str(), F_OK) != 0) fd.reset();
    return fd;
}

// Creates a new name in `staging` by `create`, which returns false with EEXIST when the name is taken.
template <class Create>
fs::path claim_name(const fs::path& staging, const fs::path& target, Create&& create) {
    for (;;) {
        fs::path name = staging / temporary_name(target);
        if (create(name)) return name;
        if (errno != EEXIST) throw_errno(fmt::format("cannot write {}", quoted(target.native())));
    }
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target, mode_t mode) : AtomicFile(target, directory_of(target), mode) {}

AtomicFile::AtomicFile(fs::path target, const fs::path& staging, mode_t mode) :
    target_(std::move(target)), staging_(staging), fd_(nameless_file(staging, mode)) {
    if (fd_) return;
    temporary_ = claim_name(staging_, target_, [&](const fs::path& name) {
        fd_ = UniqueFd(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        return static_cast<bool>(fd_);
    });
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept :
    target_(std::move(other.target_)),
    staging_(std::move(other.staging_)),
    temporary_(std::exchange(other.temporary_, {})),
    fd_(std::move(other.fd_)) {}

AtomicFile::~AtomicFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::commit() {
    if (temporary_.empty()) {
        temporary_ = claim_name(staging_, target_, [&](const fs::path& name) {
            return ::linkat(AT_FDCWD, link_of(fd_).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
        });
    }
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
    try {
        if (!path_.empty()) remove_tree(path_);
    } catch (const std::exception&) {
        // A destructor has nobody to tell.
    }
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
