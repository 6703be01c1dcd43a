// What a Golem provider's VM needs of an image (design: gvmi.md), checked and provided.
#pragma once

#include <string>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/tree/tree.h"

namespace gbuild::golem {

// The entries the VM needs and the tree lacks: /dev /dev/pts /dev/shm /proc /sys /etc /tmp, /etc/hosts /etc/hostname
// /etc/resolv.conf as regular files, /etc/mtab, volume mount points, the working directory, a 0755 root. Never through a
// symbolic link of the image. mtimes are `epoch`. Applying it to the tree makes the contract hold.
tree::LayerTree missing_entries(const tree::Tree& tree, const oci::ContainerConfig& config, int64_t epoch);

// What a provider will do that the user may not expect; ids: no-volume, volume-content, entrypoint-not-run,
// entrypoint-no-slash, user-not-root, image-large. `tree` is the final one.
std::vector<Warning> check_contract(const tree::Tree& tree, const oci::ContainerConfig& config);

}  // namespace gbuild::golem
