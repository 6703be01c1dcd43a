// Files in and out of a machine, by way of its volumes: a provider knows no other.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace gbuild::provider {

using Volumes = std::map<std::string, std::string>;  // directories of this machine, by their paths in the other one

// Copies a regular file to `path` in the machine; directories that are missing on the way are made. Throws not_found,
// io; unsupported for a path that lies in no volume, and for what is no regular file.
void copy_in(const std::filesystem::path& file, const std::string& path, const Volumes& volumes);
// Copies a regular file out to `file`, whole or not at all. A symbolic link leads nowhere but into the volume.
void copy_out(const std::string& path, const std::filesystem::path& file, const Volumes& volumes);

}  // namespace gbuild::provider
