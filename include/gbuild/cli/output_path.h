// Where a build writes its image.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gbuild/oci/reference.h"

namespace gbuild::cli {

// "golem/app:1.0" → "golem-app-1.0.gvmi".
std::string image_file_name(const oci::ImageName& name);

// `output` is -o as given, "" without: a directory (there, or ending in "/", when it is made) takes the image under its
// own name, anything else is the file, or what a symbolic link leads to. The image's own name is the first tag's, or
// without tags that of `context`, a directory or what a fetched context is called. Throws not_found (no such
// directory), permission, conflict (something there that is not a regular file), usage.
std::filesystem::path output_path(const std::string& output, const std::vector<oci::ImageName>& tags,
                                  const std::filesystem::path& context);

}  // namespace gbuild::cli
