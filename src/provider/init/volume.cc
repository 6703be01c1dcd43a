#include "volume.h"

#include <sys/mount.h>

#include <cerrno>

#include "descriptor.h"
#include "root.h"

namespace gbuild::guest {

int mount_volume(const std::string& tag, const std::string& path) {
    const Descriptor directory(make_directories(path.c_str()));
    if (!directory) return errno;
    const std::string place = "/proc/self/fd/" + std::to_string(directory.get());
    const char* options = "trans=virtio,version=9p2000.L,msize=262144";
    return ::mount(tag.c_str(), place.c_str(), "9p", MS_NODEV | MS_NOSUID, options) == 0 ? 0 : errno;
}

}  // namespace gbuild::guest
