#include "tracee.h"

#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "gbuild/base/text.h"

namespace gbuild::sandbox {

namespace {

// Of another process; never followed here.
void* pointer(uint64_t address) { return std::bit_cast<void*>(address); }

bool is_procfs(int fd) {
    struct statfs status {};
    return ::fstatfs(fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

// Of a process's "status" in procfs. Throws CallError ESRCH where there is no such field.
std::string field_of_status(const UniqueFd& status, std::string_view name) {
    if (!status) refuse(ESRCH);
    std::array<char, 4096> text;
    const ssize_t size = ::read(status.get(), text.data(), text.size());
    const std::string_view all(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
    const std::string start = fmt::format("\n{}:", name);
    const size_t at = all.find(start);
    if (at == std::string_view::npos) refuse(ESRCH);
    const std::string_view rest = all.substr(at + start.size());
    return std::string(trim(rest.substr(0, rest.find('\n'))));
}

}  // namespace

struct stat stat_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) refuse(errno);
    return status;
}

bool may_mean_the_process(std::string_view path) {
    constexpr std::string_view names[] = {"proc", "self", "thread-self", "fd", "stdin", "stdout", "stderr"};
    while (!path.empty()) {
        const std::string_view name = path.substr(0, path.find('/'));
        if (std::find(std::begin(names), std::end(names), name) != std::end(names)) return true;
        path.remove_prefix(std::min(path.size(), name.size() + 1));
    }
    return false;
}

void Tracee::read(uint64_t address, std::span<std::byte> to) const {
    const iovec own{to.data(), to.size()}, theirs{pointer(address), to.size()};
    if (::process_vm_readv(id_, &own, 1, &theirs, 1, 0) != static_cast<ssize_t>(to.size())) refuse(EFAULT);
}

void Tracee::write(uint64_t address, std::span<const std::byte> from) const {
    const iovec own{const_cast<std::byte*>(from.data()), from.size()};
    const iovec theirs{pointer(address), from.size()};
    if (::process_vm_writev(id_, &own, 1, &theirs, 1, 0) != static_cast<ssize_t>(from.size())) refuse(EFAULT);
}

std::string Tracee::read_path(uint64_t address) const {
    constexpr uint64_t page = 4096;
    std::string path;
    std::array<char, page> buffer;
    // Few paths are longer, and what comes after them is only copied.
    size_t most = 256;
    while (path.size() < PATH_MAX) {
        // Not beyond the page: the next one may not be there.
        const size_t wanted = std::min<size_t>(page - address % page, std::exchange(most, page));
        const iovec own{buffer.data(), wanted}, theirs{pointer(address), wanted};
        const ssize_t size = ::process_vm_readv(id_, &own, 1, &theirs, 1, 0);
        if (size <= 0) refuse(EFAULT);
        const size_t end = ::strnlen(buffer.data(), static_cast<size_t>(size));
        path.append(buffer.data(), end);
        if (end < static_cast<size_t>(size)) {
            if (path.size() >= PATH_MAX) break;
            return path;
        }
        address += static_cast<uint64_t>(size);
    }
    refuse(ENAMETOOLONG);
}

int Tracee::open_proc(const std::string& path, int flags) const {
    return ::openat(proc_, fmt::format("{}/{}", id_, path).c_str(), flags | O_CLOEXEC);
}

UniqueFd Tracee::descriptor(int number) const {
    UniqueFd fd(number < 0 ? -1 : open_proc(fmt::format("fd/{}", number), O_PATH));
    if (!fd) refuse(EBADF);
    return fd;
}

UniqueFd Tracee::working_directory() const {
    UniqueFd fd(open_proc("cwd", O_PATH));
    if (!fd) refuse(ESRCH);
    return fd;
}

UniqueFd Tracee::root() const {
    UniqueFd fd(open_proc("root", O_PATH));
    if (!fd) refuse(ESRCH);
    return fd;
}

UniqueFd Tracee::start(int directory) const {
    return directory == AT_FDCWD ? working_directory() : descriptor(directory);
}

std::string Tracee::name_of(int directory) const {
    return directory == AT_FDCWD ? fmt::format(FMT_COMPILE("/proc/{}/cwd"), id_)
                                 : fmt::format(FMT_COMPILE("/proc/{}/fd/{}"), id_, directory);
}

bool Tracee::only_names_file(int number) const {
    const auto flags = descriptor_field(number, "flags:", 8);
    return flags && (*flags & O_PATH) != 0;
}

std::optional<pid_t> Tracee::process_behind(int number) const {
    const auto process = descriptor_field(number, "\nPid:", 10);
    if (!process) return std::nullopt;
    return static_cast<pid_t>(*process);
}

std::optional<long> Tracee::descriptor_field(int number, const char* label, int base) const {
    const UniqueFd info(open_proc(fmt::format("fdinfo/{}", number), O_RDONLY));
    std::array<char, 256> text{};
    if (!info || ::read(info.get(), text.data(), text.size() - 1) <= 0) return std::nullopt;
    const char* at = std::strstr(text.data(), label);
    if (at == nullptr) return std::nullopt;
    return std::strtol(at + std::strlen(label), nullptr, base);
}

UniqueFd Tracee::open_directly(int directory, const std::string& path, LastLink last) const {
    if (path.empty()) refuse(ENOENT);
    UniqueFd from;
    if (!path.starts_with('/')) from = start(directory);
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC | (last == LastLink::keep ? O_NOFOLLOW : 0);
    how.resolve = RESOLVE_NO_MAGICLINKS;
    UniqueFd file(
        static_cast<int>(::syscall(SYS_openat2, from ? from.get() : AT_FDCWD, path.c_str(), &how, sizeof how)));
    // A link may have led to what is the process's own there.
    if (file && is_procfs(file.get())) file.reset();
    return file;
}

std::string Tracee::status_field(const char* name) const {
    return field_of_status(UniqueFd(open_proc("status", O_RDONLY)), name);
}

mode_t Tracee::umask() const { return static_cast<mode_t>(std::stoul("0" + status_field("Umask"), nullptr, 8)); }

Tracee::FileSystemIds Tracee::file_system_ids() const {
    auto last = [this](const char* name) {
        const std::vector<std::string> ids = split(status_field(name), '\t');
        return static_cast<uint32_t>(parse_decimal(ids.back()).value_or(UINT32_MAX));
    };
    return {last("Uid"), last("Gid")};
}

pid_t Tracee::thread_group() const {
    return static_cast<pid_t>(parse_decimal(status_field("Tgid")).value_or(static_cast<uint64_t>(id_)));
}

uint64_t Tracee::effective_capabilities() const { return std::stoull(status_field("CapEff"), nullptr, 16); }

pid_t Tracee::thread_group_of_proc(int directory) const {
    if (stat_of(directory).st_dev != stat_of(proc_).st_dev) refuse(EACCES);
    for (const char* name : {"status", "../status"}) {
        const UniqueFd status(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!status || !is_procfs(status.get())) continue;
        if (const auto group = parse_decimal(field_of_status(status, "Tgid"))) return static_cast<pid_t>(*group);
    }
    refuse(EACCES);
}

bool Tracee::has_signal_to_handle() const noexcept {
    try {
        const auto set = [this](const char* name) { return std::stoull(status_field(name), nullptr, 16); };
        return ((set("SigPnd") | set("ShdPnd")) & ~(set("SigBlk") | set("SigIgn"))) != 0;
    } catch (const CallError&) {
        return true;
    }
}

bool Tracee::has_no_new_privileges() const { return status_field("NoNewPrivs") == "1"; }

}  // namespace gbuild::sandbox
