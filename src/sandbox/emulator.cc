#include "emulator.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace gbuild::sandbox {

Request::Request(const seccomp_notif& notification, const SyscallEntry& entry, int proc,
                 const CredentialTable& credentials) :
    entry_(entry),
    id_(notification.id),
    tracee_(static_cast<pid_t>(notification.pid), proc),
    process_(credentials.of(tracee_.id())) {
    for (int i = 0; i < 6; i++) arguments_[i] = notification.data.args[i];
}

uint64_t Request::argument(int number) const {
    const uint64_t value = arguments_[number];
    return abi() == Abi::i386 ? static_cast<uint32_t>(value) : value;
}

uint32_t Request::user_or_group(int number) const {
    const auto value = static_cast<uint32_t>(argument(number));
    if (!narrow()) return value;
    return (value & 0xffff) == 0xffff ? unchanged_id : value & 0xffff;
}

int Request::directory() const { return entry_.syscall->directory < 0 ? AT_FDCWD : integer(entry_.syscall->directory); }

const std::string& Request::path() const {
    if (!path_read_) path_ = tracee_.read_path(argument(entry_.syscall->path));
    path_read_ = true;
    return path_;
}

Emulator::Handler Emulator::handler_for(Call call) {
    switch (call) {
    case Call::chown:
    case Call::lchown:
    case Call::fchown:
    case Call::fchownat: return &Emulator::change_owner;
    case Call::mknod: return &Emulator::make_node;
    case Call::stat:
    case Call::lstat:
    case Call::fstat:
    case Call::fstatat:
    case Call::statx: return &Emulator::stat_file;
    case Call::setuid:
    case Call::setgid:
    case Call::setreuid:
    case Call::setregid:
    case Call::setresuid:
    case Call::setresgid:
    case Call::setfsuid:
    case Call::setfsgid: return &Emulator::set_ids;
    case Call::setgroups: return &Emulator::set_groups;
    case Call::getuid:
    case Call::geteuid:
    case Call::getgid:
    case Call::getegid: return &Emulator::get_id;
    case Call::getresuid:
    case Call::getresgid: return &Emulator::get_ids;
    case Call::getgroups: return &Emulator::get_groups;
    case Call::open:
    case Call::openat2:
    case Call::creat: return &Emulator::open_file;
    case Call::mkdir:
    case Call::symlink: return &Emulator::make_named;
    case Call::unlink:
    case Call::rmdir: return &Emulator::remove_name;
    case Call::rename: return &Emulator::move_name;
    case Call::link: return &Emulator::link_name;
    case Call::truncate: return &Emulator::truncate_file;
    case Call::chmod:
    case Call::fchmod: return &Emulator::change_mode;
    case Call::utime: return &Emulator::change_times;
    case Call::access:
    case Call::faccessat: return &Emulator::may_access;
    case Call::chdir: return &Emulator::enter_directory;
    case Call::chroot:
    case Call::new_root: return &Emulator::change_root;
    case Call::execve: return &Emulator::execute;
    case Call::kill: return &Emulator::send_signal;
    case Call::capget: return &Emulator::get_capabilities;
    case Call::capset: return &Emulator::set_capabilities;
    case Call::keepcaps: return &Emulator::keep_capabilities;
    case Call::limit: return &Emulator::hide_limit;
    case Call::peercred: return &Emulator::ask_socket;
    case Call::bind: return &Emulator::bind_socket;
    case Call::socketcall: return &Emulator::call_socket;
    case Call::listxattr:
    case Call::llistxattr:
    case Call::flistxattr: return &Emulator::list_attributes;
    case Call::getxattr:
    case Call::lgetxattr:
    case Call::fgetxattr: return &Emulator::get_attribute;
    case Call::setxattr:
    case Call::lsetxattr:
    case Call::fsetxattr:
    case Call::removexattr:
    case Call::lremovexattr:
    case Call::fremovexattr: break;
    }
    return &Emulator::set_attribute;
}

Answer Emulator::answer(const seccomp_notif& notification) {
    const SyscallEntry* entry = table_.find(notification.data.arch, notification.data.nr);
    if (entry == nullptr) return Answer::proceed();
    const Request request(notification, *entry, proc_, credentials_);
    return (this->*handler_for(request.call()))(request);
}

void Emulator::check_alive(const Request& request) const {
    uint64_t id = request.id();
    if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0) refuse(ESRCH);
}

Walked Emulator::walk(const Request& request, const Credentials& process, LastLink last) const {
    return walk(request, process, request.directory(), request.path(), last);
}

Walked Emulator::walk(const Request& request, const Credentials& process, int directory, const std::string& path,
                      LastLink last, uint64_t resolve) const {
    const WalkRules rules{[&](int searched, const struct stat& status) {
                              if (process.unrestricted()) return;
                              if (!permits(process, searched, status, X_OK)) refuse(EACCES);
                          },
                          [&](pid_t inspected) { require_inspectable(process, inspected); }};
    return request.tracee().walk(directory, path, last, rules, resolve);
}

UniqueFd Emulator::target(const Request& request, const Credentials& process, LastLink last, bool may_be_empty) const {
    if (!request.has_path()) return request.tracee().descriptor(request.directory());
    if (may_be_empty && request.path().empty()) return request.tracee().start(request.directory());
    return find(request, process, request.directory(), request.path(), last);
}

UniqueFd Emulator::find(const Request& request, const Credentials& process, int directory, const std::string& path,
                        LastLink last) const {
    // Where nothing is to be checked on the way, the kernel goes it faster.
    if (process.unrestricted() && !roots_vary_.load(std::memory_order_relaxed) && !may_mean_the_process(path)) {
        UniqueFd file = request.tracee().open_directly(directory, path, last);
        if (file) return file;
    }
    Walked walked = walk(request, process, directory, path, last);
    if (!walked.file) refuse(ENOENT);
    return std::move(walked.file);
}

}  // namespace gbuild::sandbox
