// Removing a directory with everything in it, whatever is in it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace gbuild {

// Removes the directory at `path` and all below, never through a symbolic link. Directories that their owner may not
// enter are made enterable; however deep they lie, neither stack nor descriptors run short. Goes on past what cannot be
// removed. Nothing at `path` is fine. Throws the first failure, at the end.
void remove_tree(const std::filesystem::path& path);
// The same, but gives up after `most` entries: false when that may have left some.
bool remove_some_of_tree(const std::filesystem::path& path, size_t most);
// An entry of an open directory: a file, or a directory with everything in it.
void remove_entry(int directory, const std::string& name);

}  // namespace gbuild
