// What the Golem network knows a .gvmi by, the SHA3-224 of the file, in the spellings that its programs take.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gbuild::golem {

struct ImageHash {
    std::string hex;  // 56 lower-case hexadecimal digits: what SDKs take (imageHash)

    std::string manifest() const { return "sha3:" + hex; }  // of a computation payload manifest
    // Of a task package; an SDK adds the URL when it has resolved the hash.
    std::string task_package(std::string_view url = {}) const;

    // "HEX", "sha3:HEX", "hash:sha3:HEX", "hash:sha3:HEX:URL" (the URL is dropped), digits of either case; nullopt for
    // anything else.
    static std::optional<ImageHash> parse(std::string_view text);
    bool operator==(const ImageHash&) const = default;
};

}  // namespace gbuild::golem
