#include "root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "descriptor.h"
#include "report.h"

namespace gbuild::guest {

namespace {

// A provider's init looks at links from outside the image: absolute ones lead it elsewhere, and ones to nothing end it.
void write_file(const char* path, const std::string& text) {
    const Descriptor root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    open_how how{};
    how.flags = O_WRONLY | O_TRUNC | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    Descriptor file(static_cast<int>(::syscall(SYS_openat2, root.get(), path, &how, sizeof how)));
    if (!file && errno == ENOENT) {
        file = Descriptor(::openat(root.get(), path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    }
    const std::string name = std::string("/") + path;
    if (!file && (errno == EEXIST || errno == EXDEV)) fail(name + " is a dangling or absolute symbolic link");
    if (!file) fail("cannot write " + name, errno);
    if (::write(file.get(), text.data(), text.size()) < 0) fail("cannot write " + name, errno);
}

}  // namespace

int make_directories(const char* path) {
    if (path[0] != '/') {
        errno = EINVAL;
        return -1;
    }
    Descriptor at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::string_view rest(path + 1);
    for (;;) {
        const std::string part(rest.substr(0, rest.find('/')));
        if (part.empty() || part == "." || part == "..") {
            errno = EINVAL;
            return -1;
        }
        if (::mkdirat(at.get(), part.c_str(), 0755) != 0 && errno != EEXIST) return -1;
        Descriptor next(::openat(at.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) return -1;
        if (part.size() == rest.size()) return ::dup(next.get());
        at = std::move(next);
        rest.remove_prefix(part.size() + 1);
    }
}

void prepare_root(const Settings& settings) {
    ::chmod("/tmp", 0777);
    write_file("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 " + settings.hostname + "\n");
    std::string servers;
    for (const std::string& server : settings.nameservers) servers += "nameserver " + server + "\n";
    write_file("etc/resolv.conf", servers);
    const Descriptor agent(make_directories("/var/tmp/guest_agent_private/fds"));
    if (!agent) fail("/var and /var/tmp must be directories, and not symbolic links", errno);
}

}  // namespace gbuild::guest
