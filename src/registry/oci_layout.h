// OCI image layouts (image-spec, image-layout.md).
#pragma once

#include <string>

#include "file_set.h"

namespace gbuild::registry {

// Throws unsupported unless `files`, at `path`, are a layout of a version that we know.
void check_layout_version(const FileSet& files, const std::string& path);

}  // namespace gbuild::registry
