// What RUN --mount=type=bind shows of a build context.
#pragma once

#include <string>
#include <vector>

#include "gbuild/copy/copy_source.h"

namespace gbuild::build {

// What is shown of a context: at `path` (absolute) and below it, with paths in the context; parents first. Sockets are
// left out. Throws dockerfile without a place when there is nothing.
std::vector<ContextEntry> mounted_entries(const ContextDir& context, const std::string& path);

}  // namespace gbuild::build
