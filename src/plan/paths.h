// Paths inside the image and names of files outside it, as text.
#pragma once

#include <string>
#include <string_view>

namespace gbuild::plan {

// Linux opens no longer path. Walking one costs memory in the square of its length.
inline constexpr size_t max_path = 4096;

// `path` seen from the absolute directory `base`: absolute, without ".", ".." and empty components.
std::string resolve_path(std::string_view base, std::string_view path);
// The same with a "/" at the end where `path` can only be a directory: "a/", ".", "..", "a/.".
std::string resolve_destination(std::string_view base, std::string_view path);

}  // namespace gbuild::plan
