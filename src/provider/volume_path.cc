#include "volume_path.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/golem/volumes.h"

namespace gbuild::provider {

void require_mountable(const std::string& volume, const RootedDir& root) {
    if (volume.size() < 2 || golem::clean_volume(volume) != volume) {
        throw Error(ErrorKind::unsupported,
                    fmt::format("a provider's VM takes no volume {}: it has to be an absolute path without empty "
                                "parts, \".\" and \"..\"",
                                quoted(volume)))
            .hint("build the image with gbuild, which writes volumes so");
    }
    for (size_t end = volume.find('/', 1);; end = volume.find('/', end + 1)) {
        const std::string part = volume.substr(1, end == std::string::npos ? end : end - 1);
        const auto status = root.lstat(part);
        if (!status) return;
        if (!S_ISDIR(status->st_mode)) {
            throw Error(ErrorKind::unsupported,
                        fmt::format("a provider's VM cannot mount the volume {}: {} is {}", quoted(volume),
                                    quoted("/" + part), S_ISLNK(status->st_mode) ? "a symbolic link" : "a file"))
                .hint("name a volume by a path that leads over no link");
        }
        if (end == std::string::npos) return;
    }
}

}  // namespace gbuild::provider
