// What a Golem provider's VM needs of an image (design: gvmi.md), checked and provided.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/events.h"
#include "gbuild/oci/image_config.h"
#include "gbuild/tree/tree.h"

namespace gbuild::golem {

// The entries the VM needs and the tree lacks. Applying them to the tree makes the contract hold:
//  - /dev /dev/pts /dev/shm /proc /sys /etc /var (0755) and /tmp /var/tmp (1777) are directories. Whatever else stands
//    there, a symbolic link above all, is replaced and not followed; an /etc, /var or /var/tmp that was a link to a
//    directory keeps that directory's contents, for losing them would lose the image's accounts: as hard links,
//    relative symbolic links as absolute ones.
//  - /etc/hosts /etc/hostname /etc/resolv.conf are regular files, or relative links that lead to one by relative links
//    alone: others become empty regular files (0644).
//  - /etc/mtab, where nothing is, points to /proc/mounts.
//  - every volume and the working directory is a directory (0755), found through symbolic links inside the tree.
//  - the root has mode 0755.
// New entries belong to 0:0 and have the mtime `epoch`. Throws dockerfile for a file with contents at /var or /var/tmp
// and a /var that leads to the root, which would be lost; for a volume or working directory that is, or
// lies below, something that is no directory, and for a volume that is the root; integrity for symbolic links in a
// circle.
tree::LayerTree missing_entries(const tree::Tree& tree, const oci::ContainerConfig& config, int64_t epoch);

// Where the Dockerfile says what a warning is about: the place of the instruction that set it last, for "VOLUME" and
// "ENV" of the one that set the volume or variable `name`, for "FROM" that of the stage; nullopt when that is not this
// Dockerfile. May be empty.
using Places = std::function<std::optional<SourceSpan>(std::string_view instruction, const std::string& name)>;

// What a provider will do that the user may not expect, by contract_rules.h, notes included. `tree` is the final one.
//  - volume-content comes once for each such volume.
//  - entrypoint-not-run is said of an ENTRYPOINT, and of a CMD that starts a program. A shell, or a lone word that the
//    base image brings, only offers a prompt.
//  - entrypoint-no-slash is said of the program that ENTRYPOINT and CMD together name.
//  - env-not-passed is said of the variables that the Dockerfile sets.
//  - image-large is said of a file in the working directory that is larger than 128 MiB and in no volume. A large image
//    as such does no harm: it is read from disk.
std::vector<Warning> check_contract(const tree::Tree& tree, const oci::ContainerConfig& config,
                                    const Places& places = {});

}  // namespace gbuild::golem
