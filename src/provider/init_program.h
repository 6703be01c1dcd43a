// gbuild's init, as the program that this one carries along.
#pragma once

#include <string_view>

namespace gbuild::provider {

// A static executable of x86-64.
std::string_view init_program();

}  // namespace gbuild::provider
