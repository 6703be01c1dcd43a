// Instructions as one line of text.
#pragma once

#include <string>
#include <vector>

#include "gbuild/dockerfile/ast.h"

namespace gbuild::plan {

// "COPY --chown=app a b /c/": with the instruction's own flags and arguments.
std::string describe(const dockerfile::Instruction& instruction);
// The same with others in their place.
std::string describe(const dockerfile::Instruction& instruction, const std::vector<dockerfile::Flag>& flags,
                     const std::vector<std::string>& args);

// A value as it can be read back: in quotes where it needs them.
std::string describe_value(const std::string& value);

}  // namespace gbuild::plan
