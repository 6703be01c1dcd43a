// Values that a completion offers: those of options and arguments.
#pragma once

#include "gbuild/cli/completion.h"
#include "typed_line.h"

namespace gbuild::cli {

// For the option whose value is being typed. May throw whatever reading stores, images and Dockerfiles does.
Completion option_values(const TypedLine& line);
// For the argument that is being typed.
Completion argument_values(const TypedLine& line);

}  // namespace gbuild::cli
