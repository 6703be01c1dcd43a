// What takes names away or gives them. For those whose permissions are decided here it is also done here, in the
// directories that were found: by its path it could meanwhile be another file's.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "emulator.h"

namespace gbuild::sandbox {

namespace {

bool is_directory(int file) {
    struct stat status {};
    return ::fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}

bool same_file(int a, int b) {
    struct stat first {
    }, second{};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

}  // namespace

Walked Emulator::named(const Request& request, int directory, std::string path, int no_name) const {
    const bool as_directory = path.ends_with('/');
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    Walked place = walk(request, request.process(), directory, path, LastLink::keep);
    if (!place.parent) refuse(no_name);
    if (as_directory && place.file && !is_directory(place.file.get())) refuse(ENOTDIR);
    return place;
}

Answer Emulator::remove_name(const Request& request) {
    if (request.process().unrestricted()) return Answer::proceed();
    const bool at = request.name() == "unlinkat";
    const int flags = at ? request.integer(2) : request.call() == Call::rmdir ? AT_REMOVEDIR : 0;
    const bool directory = (flags & AT_REMOVEDIR) != 0;
    const bool itself = request.path() == "." || request.path().ends_with("/.");
    const int no_name = !directory ? EISDIR : itself ? EINVAL : EBUSY;
    const Walked place = named(request, request.directory(), request.path(), no_name);
    if (!place.file) refuse(ENOENT);
    require_removable(request.process(), place);
    check_alive(request);
    if (::unlinkat(place.parent.get(), place.name.c_str(), flags) != 0) refuse(errno);
    return Answer::result(0);
}

Answer Emulator::move_name(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const bool plain = request.name() == "rename";
    const unsigned flags = request.name() == "renameat2" ? static_cast<unsigned>(request.integer(4)) : 0;
    if ((flags & RENAME_WHITEOUT) != 0) refuse(EPERM);
    const Walked from = named(request, request.directory(), request.path(), EBUSY);
    if (!from.file) refuse(ENOENT);
    require_removable(process, from);
    const std::string to_path = request.tracee().read_path(request.argument(plain ? 1 : 3));
    const Walked to = named(request, plain ? AT_FDCWD : request.integer(2), to_path, EBUSY);
    require_removable(process, to);
    if (to_path.ends_with('/') && !is_directory(from.file.get())) refuse(ENOTDIR);
    // A directory's ".." changes when it comes into another.
    if (!same_file(from.parent.get(), to.parent.get())) {
        if (is_directory(from.file.get())) require(process, from.file.get(), W_OK);
        const bool exchanged = (flags & RENAME_EXCHANGE) != 0 && to.file;
        if (exchanged && is_directory(to.file.get())) require(process, to.file.get(), W_OK);
    }
    check_alive(request);
    if (::renameat2(from.parent.get(), from.name.c_str(), to.parent.get(), to.name.c_str(), flags) != 0) refuse(errno);
    return Answer::result(0);
}

Answer Emulator::link_name(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const bool plain = request.name() == "link";
    const int flags = plain ? 0 : request.integer(4);
    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) refuse(EINVAL);
    const LastLink last = (flags & AT_SYMLINK_FOLLOW) != 0 ? LastLink::follow : LastLink::keep;
    const UniqueFd from = target(request, process, last, (flags & AT_EMPTY_PATH) != 0);
    const std::string to_path = request.tracee().read_path(request.argument(plain ? 1 : 3));
    const Walked to = new_place(request, plain ? AT_FDCWD : request.integer(2), to_path);
    require_linkable(process, from.get());
    check_alive(request);
    const std::string name = descriptor_path(from.get());
    if (::linkat(AT_FDCWD, name.c_str(), to.parent.get(), to.name.c_str(), AT_SYMLINK_FOLLOW) != 0) refuse(errno);
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
