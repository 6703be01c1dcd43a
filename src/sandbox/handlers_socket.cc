// Sockets: who a peer is, and whose a socket in the file system is.
#include <linux/net.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "emulator.h"
#include "scoped_umask.h"

namespace gbuild::sandbox {

namespace {

// The caller's descriptor itself, not another opening of its file: sockets have none.
UniqueFd take_descriptor(const Request& request, int number) {
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, request.tracee().thread_group(), 0)));
    if (!process) refuse(errno);
    UniqueFd taken(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
    if (!taken) refuse(errno);
    return taken;
}

// The directory is the one that was found: by its path it could meanwhile be another. So the socket's own idea of its
// name is the last part of what the caller gave.
void bind_in(int directory, int socket, const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy_n(name.begin(), std::min(name.size(), sizeof address.sun_path), address.sun_path);
    const size_t end = std::min(offsetof(sockaddr_un, sun_path) + name.size() + 1, sizeof address);
    const UniqueFd here(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!here || ::fchdir(directory) != 0) refuse(errno);
    const int result = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(end));
    const int error = errno;
    static_cast<void>(::fchdir(here.get()) == 0);
    if (result != 0) refuse(error);
}

}  // namespace

Answer Emulator::ask_socket(const Request& request) {
    return peer_credentials(request, request.integer(0), request.argument(3), request.argument(4));
}

Answer Emulator::bind_socket(const Request& request) {
    return bind_to_path(request, request.integer(0), request.argument(1), static_cast<uint32_t>(request.argument(2)));
}

// i386 has all socket calls behind one number, with the arguments in memory.
Answer Emulator::call_socket(const Request& request) {
    std::array<uint32_t, 5> arguments{};
    const bool binds = request.argument(0) == SYS_BIND;
    const std::span<uint32_t> used = std::span(arguments).first(binds ? 3 : 5);
    request.tracee().read(request.argument(1), std::as_writable_bytes(used));
    const int socket = static_cast<int>(arguments[0]);
    if (binds) return bind_to_path(request, socket, arguments[1], arguments[2]);
    if (arguments[1] != SOL_SOCKET || arguments[2] != SO_PEERCRED) return Answer::proceed();
    return peer_credentials(request, socket, arguments[3], arguments[4]);
}

// The peer's credentials are those that it has now; the kernel's would be those with which it connected.
Answer Emulator::peer_credentials(const Request& request, int number, uint64_t to, uint64_t size_at) const {
    const UniqueFd socket = take_descriptor(request, number);
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return Answer::proceed();
    if (peer.pid <= 0) return Answer::proceed();  // outside, or nobody
    const CredentialTable::Shared theirs = credentials_.of(peer.pid);
    peer.uid = theirs->user.effective;
    peer.gid = theirs->group.effective;
    int room = 0;
    request.tracee().read(size_at, std::as_writable_bytes(std::span(&room, 1)));
    if (room < 0) refuse(EINVAL);
    room = std::min<int>(room, sizeof peer);
    check_alive(request);
    request.tracee().write(to, std::as_bytes(std::span(&peer, 1)).first(static_cast<size_t>(room)));
    request.tracee().write(size_at, std::as_bytes(std::span(&room, 1)));
    return Answer::result(0);
}

// A socket in the file system is made by bind(2).
Answer Emulator::bind_to_path(const Request& request, int number, uint64_t from, uint32_t size) {
    sockaddr_un address{};
    constexpr size_t path_start = offsetof(sockaddr_un, sun_path);
    if (size <= path_start || size > sizeof address) return Answer::proceed();
    if (request.process().makes_root_files() && request.process().unrestricted()) return Answer::proceed();
    request.tracee().read(from, std::as_writable_bytes(std::span(&address, 1)).first(size));
    const std::string path(address.sun_path, ::strnlen(address.sun_path, size - path_start));
    // Without a path it has a name that is no file's.
    if (address.sun_family != AF_UNIX || path.empty()) return Answer::proceed();
    const UniqueFd socket = take_descriptor(request, number);
    const Walked place = new_place(request, AT_FDCWD, path, EADDRINUSE);
    const RecordedOwner owner = new_owner(request, place.parent.get());
    const ScopedUmask mask(request.tracee().umask());
    check_alive(request);
    bind_in(place.parent.get(), socket.get(), place.name);
    record_new(place.parent.get(), place.name, owner);
    return Answer::result(0);
}

}  // namespace gbuild::sandbox
