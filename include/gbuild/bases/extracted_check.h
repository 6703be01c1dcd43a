// Whether a directory holds the files of a tree, as layer::extract() writes them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gbuild/pack/pack.h"
#include "gbuild/tree/tree.h"

namespace gbuild::build {

// What differs first: a file of the tree that is not there, of another type, size or contents, or a link that leads
// elsewhere, or a file that the tree does not have. nullopt when nothing does. Owners, modes and
// attributes take other forms on disk and do not count, nor does what may not be read, as a file of another id. Throws
// io, and what reading the packs throws.
std::optional<std::string> difference_from(const tree::Tree& tree, pack::ContentReader& contents,
                                           const std::filesystem::path& directory);

// The same for a few files only, others each time: quick, and finds damage in much of a directory.
std::optional<std::string> sampled_difference_from(const tree::Tree& tree, pack::ContentReader& contents,
                                                   const std::filesystem::path& directory);

}  // namespace gbuild::build
