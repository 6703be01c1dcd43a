// What takes names away or gives them: the kernel does it, permissions are decided here.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

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

Answer Emulator::remove_name(const Request& request) {
    if (request.process().unrestricted()) return Answer::proceed();
    const Walked place = walk(request, request.process(), LastLink::keep);
    if (place.file) require_removable(request.process(), place);
    return Answer::proceed();
}

Answer Emulator::move_name(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const bool plain = request.name() == "rename";
    const Walked from = walk(request, process, LastLink::keep);
    if (!from.file) refuse(ENOENT);
    require_removable(process, from);
    const std::string to_path = request.tracee().read_path(request.argument(plain ? 1 : 3));
    const Walked to = walk(request, process, plain ? AT_FDCWD : request.integer(2), to_path, LastLink::keep);
    require_removable(process, to);
    // A directory's ".." changes when it comes into another.
    const bool moves =
        from.parent && to.parent && is_directory(from.file.get()) && !same_file(from.parent.get(), to.parent.get());
    if (moves) require(process, from.file.get(), W_OK);
    return Answer::proceed();
}

Answer Emulator::link_name(const Request& request) {
    const Credentials& process = request.process();
    if (process.unrestricted()) return Answer::proceed();
    const bool plain = request.name() == "link";
    const int flags = plain ? 0 : request.integer(4);
    const LastLink last = (flags & AT_SYMLINK_FOLLOW) != 0 ? LastLink::follow : LastLink::keep;
    const UniqueFd from = target(request, process, last, (flags & AT_EMPTY_PATH) != 0);
    const std::string to_path = request.tracee().read_path(request.argument(plain ? 1 : 3));
    new_place(request, plain ? AT_FDCWD : request.integer(2), to_path);
    require_linkable(process, from.get());
    return Answer::proceed();
}

}  // namespace gbuild::sandbox
