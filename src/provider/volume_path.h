// Where a provider's VM takes volumes.
#pragma once

#include <string>

#include "gbuild/base/rooted.h"

namespace gbuild::provider {

// The VM walks to a volume without following symbolic links, and refuses "", "." and "..". Throws unsupported with the
// path that would do.
void require_mountable(const std::string& volume, const RootedDir& root);

}  // namespace gbuild::provider
