// execve(2): a program with a set-id bit gives its process the owner that is recorded of it, one with file capabilities
// those.
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

enum class Format : uint8_t { elf, script, other };

Format format_of(int file) {
    const UniqueFd opened(::open(descriptor_path(file).c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4> start{};
    const ssize_t size = opened ? ::pread(opened.get(), start.data(), start.size(), 0) : 0;
    const std::string_view text(start.data(), size > 0 ? static_cast<size_t>(size) : 0);
    if (text == "\177ELF") return Format::elf;
    return text.starts_with("#!") ? Format::script : Format::other;
}

void add_capabilities(int file, ExecutableRights& rights) {
    vfs_cap_data data{};
    const ssize_t size = ::getxattr(descriptor_path(file).c_str(), "security.capability", &data, sizeof data);
    if (size != XATTR_CAPS_SZ_2 || (data.magic_etc & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2) return;
    rights.permitted = data.data[0].permitted | uint64_t{data.data[1].permitted} << 32;
    rights.effective = (data.magic_etc & VFS_CAP_FLAGS_EFFECTIVE) != 0;
}

bool is_without_rights(int file) {
    struct statfs system {};
    return ::fstatfs(file, &system) != 0 || (system.f_flags & ST_NOSUID) != 0;
}

ExecutableRights rights_of(int file, const struct stat& status) {
    ExecutableRights rights;
    if ((status.st_mode & S_ISUID) != 0) rights.set_user = status.st_uid;
    // Without the execute bit it used to mean mandatory locking.
    if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) rights.set_group = status.st_gid;
    add_capabilities(file, rights);
    return rights;
}

// What a program without any rights of its own makes of a process.
bool is_changed(const Credentials& process) {
    Credentials after = process;
    after.execute({});
    return after != process;
}

}  // namespace

Answer Emulator::execute(const Request& request) {
    const pid_t id = request.tracee().id();
    credentials_.settle(id);
    const Credentials& before = request.process();
    const int flags = request.name() == "execveat" ? request.integer(4) : 0;
    const LastLink last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::keep : LastLink::follow;
    const UniqueFd file = target(request, before, last, (flags & AT_EMPTY_PATH) != 0);
    const struct stat native = stat_of(file.get());
    if (!S_ISREG(native.st_mode)) return Answer::proceed();  // the kernel knows the error
    // Root runs an ordinary file: nothing to forbid or to change.
    const bool set_id = (native.st_mode & (S_ISUID | S_ISGID)) != 0;
    if (before.unrestricted() && !set_id && !is_changed(before)) return Answer::proceed();
    require(before, file.get(), X_OK);
    // The call can still fail after this; the likely reason is looked for here.
    const Format format = format_of(file.get());
    if (format == Format::other) return Answer::proceed();
    struct stat status = native;
    owners_.adorn(file.get(), status);
    ExecutableRights rights;
    // Of a script, its interpreter's would count.
    if (format == Format::elf && !is_without_rights(file.get()) && !request.tracee().has_no_new_privileges()) {
        rights = rights_of(file.get(), status);
    }
    Credentials after = before;
    after.execute(rights);
    if (after == before) return Answer::proceed();
    check_alive(request);
    // The kernel walks once more, and what it finds by then is not to have the rights of this file.
    if (rights.are_any()) {
        credentials_.promise(id, native, after);
    } else {
        credentials_.set(id, after);
    }
    return Answer::proceed();
}

}  // namespace gbuild::sandbox
