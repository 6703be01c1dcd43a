// New directories, symbolic links and nodes: made here, so that they have their owner before anybody sees them.
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "emulator.h"
#include "scoped_umask.h"

namespace gbuild::sandbox {

namespace {

// "a/b/" is in "a/".
std::string directory_of(std::string path) {
    const size_t end = path.find_last_not_of('/');
    if (end == std::string::npos) return path;
    const size_t slash = path.find_last_of('/', end);
    path.resize(slash == std::string::npos ? 0 : slash + 1);
    return path;
}

}  // namespace

Walked Emulator::new_place(const Request& request, int directory, const std::string& path, int taken) const {
    Walked place = walk(request, request.process(), directory, path, LastLink::keep);
    if (place.file) refuse(taken);
    // Only a directory may be asked for as "name/".
    if (path.ends_with('/') && request.call() != Call::mkdir) refuse(ENOENT);
    require(request.process(), place.parent.get(), W_OK | X_OK);
    return place;
}

RecordedOwner Emulator::new_owner(const Request& request, int parent) const {
    struct stat status = stat_of(parent);
    RecordedOwner owner{request.process().user.file_system, request.process().group.file_system};
    if ((status.st_mode & S_ISGID) == 0) return owner;
    owners_.adorn(parent, status);
    owner.gid = status.st_gid;
    return owner;
}

// Root's files are its own unless a directory gives them its group.
bool Emulator::makes_natively(const Request& request, Parent parent) const {
    const Credentials& process = request.process();
    if (!process.makes_root_files() || !process.unrestricted()) return false;
    std::string path = parent == Parent::itself ? request.path() : directory_of(request.path());
    if (roots_vary_.load(std::memory_order_relaxed) || may_mean_the_process(path)) return false;
    if (!path.starts_with('/')) path = request.tracee().name_of(request.directory()) + "/" + path;
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_ISGID) == 0;
}

void Emulator::record_new(int parent, const std::string& name, RecordedOwner owner) {
    if (owner == RecordedOwner()) return;
    const UniqueFd file(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (file) owners_.set_owner(file.get(), stat_of(file.get()), owner);
}

Answer Emulator::make_node(const Request& request) {
    const int next = request.after_path(1);
    const auto mode = static_cast<mode_t>(request.argument(next));
    if (S_ISCHR(mode) || S_ISBLK(mode)) return make_device(request, mode, request.argument(next + 1));
    if (emulation_ != Emulation::ownership || makes_natively(request)) return Answer::proceed();
    const Walked place = new_place(request, request.directory(), request.path());
    const RecordedOwner owner = new_owner(request, place.parent.get());
    const ScopedUmask mask(request.tracee().umask());
    check_alive(request);
    if (::mknodat(place.parent.get(), place.name.c_str(), mode, 0) != 0) refuse(errno);
    record_new(place.parent.get(), place.name, owner);
    return Answer::result(0);
}

// An empty file stands for it.
Answer Emulator::make_device(const Request& request, mode_t mode, uint64_t device) {
    const bool owners = emulation_ == Emulation::ownership;
    const Tracee::FileSystemIds real = request.tracee().file_system_ids();
    if (owners ? !request.process().capable(CAP_MKNOD) : real.uid != 0) refuse(EPERM);
    const auto number = static_cast<dev_t>(device & UINT32_MAX);
    // It would be overlayfs's whiteout.
    if (S_ISCHR(mode) && number == 0) refuse(EPERM);
    const Walked place = new_place(request, request.directory(), request.path());
    const ScopedUmask mask(request.tracee().umask());
    check_alive(request);
    if (::mknodat(place.parent.get(), place.name.c_str(), S_IFREG | (mode & 07777), 0) != 0) refuse(errno);
    const UniqueFd file(::openat(place.parent.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!file) refuse(errno);
    if (!owners && real.gid != 0 && ::fchownat(file.get(), "", unchanged_id, real.gid, AT_EMPTY_PATH) != 0) {
        refuse(errno);
    }
    try {
        owners_.set_device(file.get(), {S_ISBLK(mode), major(number), minor(number)});
    } catch (const CallError&) {
        ::unlinkat(place.parent.get(), place.name.c_str(), 0);
        refuse(EPERM);  // as where no device can be made
    }
    has_devices_ = true;
    if (owners) owners_.set_owner(file.get(), stat_of(file.get()), new_owner(request, place.parent.get()));
    return Answer::result(0);
}

Answer Emulator::make_named(const Request& request) {
    if (makes_natively(request)) return Answer::proceed();
    const bool directory = request.call() == Call::mkdir;
    const std::string target = directory ? "" : request.tracee().read_path(request.argument(0));
    const Walked place = new_place(request, request.directory(), request.path());
    const RecordedOwner owner = new_owner(request, place.parent.get());
    const ScopedUmask mask(request.tracee().umask());
    check_alive(request);
    const auto mode = static_cast<mode_t>(request.argument(request.after_path(1)));
    const char* name = place.name.c_str();
    const int made =
        directory ? ::mkdirat(place.parent.get(), name, mode) : ::symlinkat(target.c_str(), place.parent.get(), name);
    if (made != 0) refuse(errno);
    record_new(place.parent.get(), place.name, owner);
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
