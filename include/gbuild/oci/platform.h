// Platforms: os/architecture[/variant] (image-spec, image-index.md), normalised as containerd does.
#pragma once

#include <string>
#include <string_view>

namespace gbuild::oci {

struct Platform {
    std::string os = "linux";
    std::string architecture = "amd64";
    std::string variant;  // "v8", "v7", or empty

    // "linux/amd64", "linux/arm64/v8", "amd64", "x86_64", "aarch64", "armhf" …. Throws usage naming what is known.
    static Platform parse(std::string_view text);
    // Aliases replaced, arm64/v8 and amd64/v1 without their variant.
    Platform normalized() const;
    std::string text() const;
    bool operator==(const Platform&) const = default;
};

// The platform of the machine gbuild runs on.
Platform host_platform();

// A wanted platform matches what an image offers; a wanted platform without variant takes any.
bool matches(const Platform& wanted, const Platform& offered);

}  // namespace gbuild::oci
