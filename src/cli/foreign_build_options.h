// The table behind foreign_options() for commands that build.
#pragma once

#include <span>

#include "gbuild/cli/foreign_options.h"

namespace gbuild::cli {

// For rows that fit a line.
inline constexpr ForeignValue none = ForeignValue::none, optional = ForeignValue::optional,
                              required = ForeignValue::required;

std::span<const ForeignOption> foreign_build_options();

}  // namespace gbuild::cli
