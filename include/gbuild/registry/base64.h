// Base64 (RFC 4648), for Basic authentication and auth files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gbuild::registry {

std::string base64_encode(std::string_view bytes);
// Standard or URL alphabet, with or without padding; nullopt for anything else.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace gbuild::registry
