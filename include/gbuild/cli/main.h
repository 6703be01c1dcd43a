// The command line, from arguments to exit code.
#pragma once

#include <string>
#include <vector>

#include "gbuild/cli/console.h"

namespace gbuild::cli {

// `arguments` are those after the program's name. Every failure has been reported on console.err when this returns; the
// result is one of exit_codes.h.
int main(const std::vector<std::string>& arguments, Console& console) noexcept;

}  // namespace gbuild::cli
