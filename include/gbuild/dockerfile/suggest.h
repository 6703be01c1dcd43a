// "did you mean …?"
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gbuild::dockerfile {

// "did you mean PREFIXword?" for the likeliest candidate, two letters swapped included; else `otherwise`.
std::string suggest(std::string_view word, std::span<const std::string> candidates, std::string_view prefix,
                    std::string otherwise);

}  // namespace gbuild::dockerfile
