#include "wire.h"

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"

namespace gbuild::git {

std::unique_ptr<Wire> open_wire(const Remote& remote) {
    const size_t end = remote.url.find("://");
    const std::string scheme = end == std::string::npos ? "ssh" : to_lower(remote.url.substr(0, end));
    if (scheme == "http" || scheme == "https") return open_http_wire(remote);
    if (scheme == "git") return open_git_wire(remote);
    if (scheme == "ssh") return open_ssh_wire(remote);
    throw Error(ErrorKind::unsupported, fmt::format("git repositories cannot be fetched over {}", quoted(scheme)))
        .hint("use the repository's https:// URL, or put a clone into the build context");
}

}  // namespace gbuild::git
