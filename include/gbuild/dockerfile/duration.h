// Durations as Go writes them: "1h30m", "1.5s", "300ms".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gbuild::dockerfile {

// Nanoseconds; nullopt for what is no duration or does not fit. "0" needs no unit; every other number does.
std::optional<int64_t> parse_duration(std::string_view text);

}  // namespace gbuild::dockerfile
