// Comma-separated values, in which options like --mount and --cache-from are written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gbuild {

// The fields of one record, as RFC 4180 has them: a field in double quotes may hold commas, and "" is a quote in it. No
// text is one empty field. nullopt when a quote is not closed.
std::optional<std::vector<std::string>> split_csv(std::string_view text);

}  // namespace gbuild
