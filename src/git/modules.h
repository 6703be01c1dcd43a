// .gitmodules (gitmodules(5)), in the syntax of git's configuration files without inclusion.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace gbuild::git {

// Path → URL of those that have both. Lines that are no assignment of a submodule are passed over.
std::map<std::string, std::string> parse_modules(std::string_view text);

}  // namespace gbuild::git
