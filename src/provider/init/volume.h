// Directories of the host, by 9p.
#pragma once

#include <string>

namespace gbuild::guest {

// 0, or why not. The way there is made where it is missing, and must not lead over symbolic links.
int mount_volume(const std::string& tag, const std::string& path);

}  // namespace gbuild::guest
