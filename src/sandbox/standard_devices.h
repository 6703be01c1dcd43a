// The device nodes that every step finds in /dev.
#pragma once

namespace gbuild::sandbox {

struct StandardDevice {
    const char* name;
    unsigned major, minor;
};

inline constexpr StandardDevice standard_devices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                                                      {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

}  // namespace gbuild::sandbox
