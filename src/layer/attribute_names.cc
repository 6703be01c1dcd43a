#include "attribute_names.h"

#include <algorithm>
#include <array>

#include "gbuild/base/recorded_owner.h"

namespace gbuild::layer {
namespace {

// Access control lists are the only attributes of the kernel's own that can be set, and squashfs has none.
bool is_of_kernel(std::string_view name) { return name.starts_with("system."); }

bool counts(const tree::Xattr& xattr) { return !is_reserved(xattr.name) && !is_of_kernel(xattr.name); }

}  // namespace

bool is_privileged(std::string_view name) { return name.starts_with("trusted.") || name.starts_with("security."); }

bool is_label(std::string_view name) {
    constexpr std::array<std::string_view, 4> labels = {"security.selinux", "security.ima", "security.evm",
                                                        "security.apparmor"};
    return std::find(labels.begin(), labels.end(), name) != labels.end() || name.starts_with("security.SMACK64");
}

bool is_reserved(std::string_view name) {
    return name.starts_with(overlay_attributes) || name.starts_with("trusted.overlay.") ||
           name.starts_with(own_attributes) || is_label(name);
}

std::vector<tree::Xattr> image_attributes(std::vector<tree::Xattr> on_disk) {
    std::vector<tree::Xattr> image;
    for (tree::Xattr& xattr : on_disk) {
        if (xattr.name.starts_with(recorded_attribute_prefix)) {
            std::string name = xattr.name.substr(recorded_attribute_prefix.size());
            if (is_privileged(name) && !is_reserved(name)) image.push_back({std::move(name), std::move(xattr.value)});
        } else if (counts(xattr)) {
            image.push_back(std::move(xattr));
        }
    }
    // Names come sorted, so that the kernel's own stands before a stored one of the same name.
    std::stable_sort(image.begin(), image.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
    image.erase(std::unique(image.begin(), image.end(), same_name), image.end());
    return image;
}

bool same_attributes(const std::vector<tree::Xattr>& one, const std::vector<tree::Xattr>& other) {
    auto left = one.begin();
    auto right = other.begin();
    for (;;) {
        left = std::find_if(left, one.end(), counts);
        right = std::find_if(right, other.end(), counts);
        if (left == one.end() || right == other.end()) return left == one.end() && right == other.end();
        if (*left++ != *right++) return false;
    }
}

}  // namespace gbuild::layer
