#include "held_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::layer {
namespace {

// Calls `read(buffer, size)` until the buffer is large enough; -1 and errno when it fails.
template <class Read>
ssize_t read_sized(std::string& buffer, Read&& read) {
    for (;;) {
        const ssize_t length = read(buffer.data(), buffer.size());
        if (length >= 0 || errno != ERANGE) return length;
        const ssize_t needed = read(nullptr, 0);
        if (needed < 0) return needed;
        buffer.resize(static_cast<size_t>(needed) + 64);
    }
}

constexpr size_t usual_size = 512;

[[noreturn]] void fail_to_read_xattrs(const std::string& path) {
    throw_errno(fmt::format("cannot read the extended attributes of {}", gbuild::quoted(path)));
}

}  // namespace

void fail(std::string_view verb, const HeldName& file) {
    throw_errno(fmt::format("cannot {} {}", verb, gbuild::quoted(file.path.empty() ? "/" : file.path)));
}

// There is no fsetxattr for O_PATH descriptors, and no lsetxattr relative to a directory.
std::string HeldFile::by_descriptor() const { return fmt::format("/proc/self/fd/{}", fd_.get()); }

// Attributes of a user are readable and writable only for who may read and write the file, open or not. Its owner may
// change that for a moment.
template <class Call>
ssize_t HeldFile::permitted(Call&& call) const {
    ssize_t result = call();
    struct stat status {};
    if (result >= 0 || errno != EACCES || ::fstat(fd(), &status) != 0) return result;
    const mode_t mode = status.st_mode & 07777;
    const int error = set_mode(mode | S_IRUSR | S_IWUSR);
    if (error == 0) {
        result = call();
        const int error_number = errno;
        set_mode(mode);
        errno = error_number;
    }
    return result;
}

ssize_t HeldFile::get_xattr(const char* name, char* buffer, size_t size) const {
    return permitted([&] {
        return access_ == Access::path ? ::getxattr(by_descriptor().c_str(), name, buffer, size)
                                       : ::fgetxattr(fd(), name, buffer, size);
    });
}

std::vector<std::string> HeldFile::xattr_names(const std::string& path) const {
    std::string list(usual_size, '\0');
    const ssize_t length = read_sized(list, [&](char* buffer, size_t size) {
        return access_ == Access::path ? ::listxattr(by_descriptor().c_str(), buffer, size)
                                       : ::flistxattr(fd(), buffer, size);
    });
    if (length < 0 && errno != ENOTSUP) fail_to_read_xattrs(path);
    list.resize(static_cast<size_t>(std::max<ssize_t>(length, 0)));
    std::vector<std::string> names;
    for (size_t at = 0; at < list.size(); at += names.back().size() + 1) names.emplace_back(list.c_str() + at);
    return names;
}

std::vector<tree::Xattr> HeldFile::xattrs(const std::string& path) const {
    std::vector<tree::Xattr> found;
    std::string value(usual_size, '\0');
    for (std::string& name : xattr_names(path)) {
        const ssize_t length =
            read_sized(value, [&](char* buffer, size_t size) { return get_xattr(name.c_str(), buffer, size); });
        // Some security modules list labels that they then do not show.
        if (length < 0 && (errno == ENODATA || errno == ENOTSUP)) continue;
        if (length < 0) fail_to_read_xattrs(path);
        found.push_back({std::move(name), value.substr(0, static_cast<size_t>(length))});
    }
    std::sort(found.begin(), found.end());
    return found;
}

bool HeldFile::has_xattr(const char* name) const { return get_xattr(name, nullptr, 0) >= 0; }

bool HeldFile::has_xattr(const char* name, std::string_view value) const {
    std::array<char, 64> buffer;
    const ssize_t length = get_xattr(name, buffer.data(), buffer.size());
    return length >= 0 && std::string_view(buffer.data(), static_cast<size_t>(length)) == value;
}

int HeldFile::set_xattr(const std::string& name, std::string_view value) const {
    const ssize_t result = permitted([&] {
        return access_ == Access::path
                   ? ::setxattr(by_descriptor().c_str(), name.c_str(), value.data(), value.size(), 0)
                   : ::fsetxattr(fd(), name.c_str(), value.data(), value.size(), 0);
    });
    return result == 0 ? 0 : errno;
}

int HeldFile::remove_xattr(const std::string& name) const {
    const ssize_t result = permitted([&] {
        return access_ == Access::path ? ::removexattr(by_descriptor().c_str(), name.c_str())
                                       : ::fremovexattr(fd(), name.c_str());
    });
    return result == 0 ? 0 : errno;
}

int HeldFile::set_mode(mode_t mode) const {
    const int result = access_ == Access::path ? ::chmod(by_descriptor().c_str(), mode) : ::fchmod(fd(), mode);
    return result == 0 ? 0 : errno;
}

UniqueFd open_readable(const HeldName& file, int flags) {
    const int all_flags = flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    UniqueFd fd(::openat(file.directory, file.name.c_str(), all_flags));
    if (fd || errno != EACCES) return fd;
    const HeldFile held(UniqueFd(::openat(file.directory, file.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)),
                        HeldFile::Access::path);
    struct stat status {};
    const bool opened_up = held.fd() >= 0 && ::fstat(held.fd(), &status) == 0 &&
                           (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) &&
                           held.set_mode((status.st_mode & 07777) | S_IRWXU) == 0;
    if (!opened_up) {
        errno = EACCES;
        return fd;
    }
    fd = UniqueFd(::openat(file.directory, file.name.c_str(), all_flags));
    const int error_number = errno;
    held.set_mode(status.st_mode & 07777);
    errno = error_number;
    return fd;
}

UniqueFd open_directory(const HeldName& file) {
    UniqueFd fd = open_readable(file, O_DIRECTORY);
    if (!fd) fail("open", file);
    return fd;
}

HeldFile hold(const HeldName& file, mode_t mode) {
    const bool full = S_ISREG(mode) || S_ISDIR(mode);
    UniqueFd fd = full ? open_readable(file, 0)
                       : UniqueFd(::openat(file.directory, file.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) fail("open", file);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) fail("read", file);
    if ((status.st_mode & S_IFMT) != (mode & S_IFMT)) {
        throw Error(ErrorKind::conflict, fmt::format("{} was replaced meanwhile", gbuild::quoted(file.path)));
    }
    return {std::move(fd), full ? HeldFile::Access::full : HeldFile::Access::path};
}

UniqueFd open_beneath(int root, const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    for (;;) {
        const char* name = path.empty() ? "." : path.c_str();
        UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root, name, &how, sizeof how)));
        if (fd || (errno != EAGAIN && errno != EINTR)) return fd;
    }
}

std::vector<std::string> sorted_names(int directory, const std::string& path) {
    // Not opened anew: it may be a directory that only its owner's opening it up has let us in.
    UniqueFd fd(::fcntl(directory, F_DUPFD_CLOEXEC, 0));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(fd ? ::fdopendir(fd.get()) : nullptr, ::closedir);
    const auto failed = [&] { throw_errno(fmt::format("cannot list {}", gbuild::quoted("/" + path))); };
    if (!stream) failed();
    static_cast<void>(fd.release());
    ::rewinddir(stream.get());
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) break;
        if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
            names.emplace_back(entry->d_name);
        }
    }
    if (errno != 0) failed();
    std::sort(names.begin(), names.end());
    return names;
}

std::string join_path(const std::string& directory, std::string_view name) {
    std::string path = directory;
    if (!path.empty()) path += '/';
    path += name;
    return path;
}

SplitPath split_path(const std::string& path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {{}, path};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace gbuild::layer
