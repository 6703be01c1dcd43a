// Percent signs in URLs (RFC 3986).
#pragma once

#include <string>
#include <string_view>

namespace gbuild {

// What "+" stands for: a blank in queries, itself elsewhere.
enum class Blank { plus, literal_plus };

// "%2F" → "/"; what is no such pair of digits stays.
std::string percent_decoded(std::string_view text, Blank blank);

}  // namespace gbuild
