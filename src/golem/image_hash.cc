#include "gbuild/golem/image_hash.h"

#include <array>

#include <fmt/format.h>

#include "gbuild/base/digest.h"
#include "gbuild/base/text.h"

namespace gbuild::golem {

namespace {

constexpr size_t hash_bytes = 28;
constexpr size_t hash_digits = 2 * hash_bytes;

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

std::string ImageHash::task_package(std::string_view url) const {
    return fmt::format("hash:sha3:{}{}{}", hex, url.empty() ? "" : ":", url);
}

std::optional<ImageHash> ImageHash::parse(std::string_view text) {
    const bool package = take_prefix(text, "hash:");
    if (!take_prefix(text, "sha3:") && package) return std::nullopt;
    if (package && text.size() > hash_digits && text[hash_digits] == ':') text = text.substr(0, hash_digits);
    std::array<std::byte, hash_bytes> bytes{};
    if (!from_hex(text, bytes)) return std::nullopt;
    return ImageHash{to_lower(text)};
}

}  // namespace gbuild::golem
