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

// A wanted platform matches what an image offers; a wanted platform without variant takes any, one with a variant takes
// lower ones, too, which its machines can run.
bool matches(const Platform& wanted, const Platform& offered);
// Of two that match, whether `offered` is to be preferred to `other`: the highest variant that was asked for, and
// without a wish the lowest, which runs on every machine of the architecture.
bool is_better(const Platform& wanted, const Platform& offered, const Platform& other);
// matches() for an image that may leave its system, its architecture or both unsaid: "" offers whatever is wanted.
bool may_match(const Platform& wanted, const Platform& offered);

}  // namespace gbuild::oci
