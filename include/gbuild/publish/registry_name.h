// The names of images in the Golem registry: [USER/]REPO[:TAG].
#pragma once

#include <string>
#include <string_view>

namespace gbuild::publish {

struct RegistryName {
    std::string user;  // whose repository; "" where the name has none
    std::string repository;
    std::string tag;

    std::string text() const;
    bool operator==(const RegistryName&) const = default;
};

// TAG is "latest" where none is given. Throws usage with what is wrong.
RegistryName parse_registry_name(std::string_view text);
// One to push to, which has a USER.
RegistryName parse_push_name(std::string_view text);

}  // namespace gbuild::publish
