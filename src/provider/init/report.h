// The end of the machine, and what is said about it.
#pragma once

#include <string>

namespace gbuild::guest {

// Whether this is the first process of a machine, and not of a sandbox.
bool is_machine();

// Ends the machine, or the sandbox.
[[noreturn]] void power_off();

// Says on standard error, which is the machine's console, what is wrong, with errno's text when there is one.
[[noreturn]] void fail(const std::string& what, int error_number = 0);

}  // namespace gbuild::guest
