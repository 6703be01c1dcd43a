// Questions on the terminal.
#pragma once

#include <string>
#include <string_view>

#include "gbuild/cli/console.h"

namespace gbuild::cli {

// Whether there is somebody to ask: standard input and standard error are a terminal.
bool can_ask(const Console& console);

// A line from standard input, without its end. Precondition: can_ask(). Throws interrupted when the input ends.
std::string ask_line(const Console& console, std::string_view question);
// The same, without showing what is typed. The terminal is as before when this returns, throws, or a signal that would
// end or stop the process comes.
std::string ask_secret(const Console& console, std::string_view question);

// All of standard input, without the line end behind it: the token of --password-stdin. Throws limit, usage when it is
// empty.
std::string read_secret_from_standard_input();

}  // namespace gbuild::cli
