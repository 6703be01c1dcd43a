// What a provider's VM makes of an image's root directory before it runs anything.
#pragma once

#include "settings.h"

namespace gbuild::guest {

// In the root directory "/", where /dev, /proc, /sys and /tmp are mounted. What a provider's VM does not survive ends
// this one, too, with the reason.
void prepare_root(const Settings& settings);

// A directory without following symbolic links; what is missing of `path`, which is absolute, is made. -1 and errno: a
// link or a file is in the way, or the path has "", "." or ".." in it.
int make_directories(const char* path);

}  // namespace gbuild::guest
