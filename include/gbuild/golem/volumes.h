// Volumes as the VM mounts them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "gbuild/golem/vm_contract.h"
#include "gbuild/tree/tree.h"

namespace gbuild::golem {

// As many as the VM has room for devices.
constexpr size_t max_volumes = 25;

// The text of an absolute path without empty components, "." and "..": the VM takes no other, and transfers compare it.
std::string clean_volume(std::string_view path);
std::set<std::string> clean_volumes(const std::set<std::string>& paths);

struct VolumeInside {
    std::string inner, outer;
};
// Of clean paths.
std::vector<VolumeInside> nested_volumes(const std::set<std::string>& volumes);

// The volumes of an image as its trailer is to name them: clean, none twice. The VM walks to each without following
// links, so one that `tree` (complete, as missing_entries leaves it) has behind a link is refused with the path to
// write; one of the base image, which nobody can rewrite, gets that path. Throws dockerfile, and limit for more than
// max_volumes.
std::set<std::string> vm_volumes(const tree::Tree& tree, const std::set<std::string>& volumes, const Places& places);

}  // namespace gbuild::golem
