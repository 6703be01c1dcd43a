// chown(2) and its relatives.
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

struct NewOwner {
    uint32_t uid, gid;
};

NewOwner new_owner_of(const Request& request) {
    const int first = request.has_path() ? request.after_path(1) : 1;
    return {request.user_or_group(first), request.user_or_group(first + 1)};
}

// chown_ok and chgrp_ok of the kernel.
void require_right(const Credentials& process, RecordedOwner owner, NewOwner wanted) {
    if (process.capable(CAP_CHOWN)) return;
    const bool own = owner.uid == process.user.file_system;
    const bool own_group = wanted.gid == owner.gid || process.in_group(wanted.gid);
    if (wanted.uid != unchanged_id && (!own || wanted.uid != owner.uid)) refuse(EPERM);
    if (wanted.gid != unchanged_id && (!own || !own_group)) refuse(EPERM);
}

// The real call checks, copies up, and clears set-id bits and capabilities. False: there is nothing to record.
bool change_natively(int file, NewOwner wanted) {
    const uint32_t uid = wanted.uid == unchanged_id ? unchanged_id : 0;
    const uint32_t gid = wanted.gid == unchanged_id ? unchanged_id : 0;
    if (::fchownat(file, "", uid, gid, AT_EMPTY_PATH) == 0) return true;
    const int error = errno;
    // What was mounted from outside belongs to nobody here, and is no part of the image.
    struct stat root {
    }, status{};
    const bool outside = ::stat("/", &root) == 0 && ::fstat(file, &status) == 0 && root.st_dev != status.st_dev;
    const bool refused = error == EPERM || (error == EROFS && S_ISCHR(status.st_mode));
    if (!refused || !outside) refuse(error);
    return false;
}

}  // namespace

Answer Emulator::change_owner(const Request& request) {
    const NewOwner wanted = new_owner_of(request);
    const int flags = request.call() == Call::fchownat ? request.integer(4) : 0;
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) refuse(EINVAL);
    const bool keep = request.call() == Call::lchown || (flags & AT_SYMLINK_NOFOLLOW) != 0;
    const UniqueFd file =
        target(request, request.process(), keep ? LastLink::keep : LastLink::follow, (flags & AT_EMPTY_PATH) != 0);
    // A descriptor that only names a file changes none.
    if (request.call() == Call::fchown && request.tracee().only_names_file(request.directory())) refuse(EBADF);
    const struct stat before = stat_of(file.get());
    const RecordedOwner recorded = owners_.owner(file.get(), before);
    require_right(request.process(), recorded, wanted);
    check_alive(request);
    if (!change_natively(file.get(), wanted)) return Answer::result(0);
    RecordedOwner owner = recorded;
    if (wanted.uid != unchanged_id) owner.uid = wanted.uid;
    if (wanted.gid != unchanged_id) owner.gid = wanted.gid;
    // What carries its own record keeps it. Others may have been copied up just now: then they have another key, and
    // their path is what tells in the end.
    if (owner == recorded && carries_attributes(before)) return Answer::result(0);
    owners_.set_owner(file.get(), stat_of(file.get()), owner, OwnerBook::Origin::below);
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
