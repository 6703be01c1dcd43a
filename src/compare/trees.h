// Two file trees, name by name.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "gbuild/compare/differences.h"
#include "gbuild/tree/tree.h"

namespace gbuild::compare {

// Asked for two regular files that are not both empty.
using CompareContents = std::function<std::optional<ContentChange>(const tree::Inode& a, const tree::Inode& b)>;

std::vector<FileChange> compare_trees(const tree::Tree& a, const tree::Tree& b, const CompareContents& contents);

}  // namespace gbuild::compare
