// Paths as text, apart from any file system.
#pragma once

#include <string>
#include <string_view>

namespace gbuild {

// What comes after the last "/"; all of it where there is none.
std::string_view base_name_of(std::string_view path);

// Both with a "/" between them; an empty one is left out, together with the "/".
std::string join_path(std::string_view directory, std::string_view name);

}  // namespace gbuild
