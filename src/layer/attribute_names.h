// Which extended attributes on disk mean what.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gbuild/tree/inode.h"

namespace gbuild::layer {

// What overlayfs mounted with `userxattr` keeps for itself.
inline constexpr std::string_view overlay_attributes = "user.overlay.";
inline constexpr const char* opaque_attribute = "user.overlay.opaque";
inline constexpr const char* origin_attribute = "user.overlay.origin";

// "trusted.…" and "security.…".
bool is_privileged(std::string_view name);
// Labels that a security module of this machine gives to every file; no image means them.
bool is_label(std::string_view name);
// What has no meaning in an image, or another one on the disk of this machine.
bool is_reserved(std::string_view name);

// The attributes that the image has, of those that a file has on disk; sorted.
std::vector<tree::Xattr> image_attributes(std::vector<tree::Xattr> on_disk);

// Equal as far as a directory on disk can show it: reserved ones and ACLs (system.…) do not count.
bool same_attributes(const std::vector<tree::Xattr>& one, const std::vector<tree::Xattr>& other);

}  // namespace gbuild::layer
