// Failures inside processes that can only report a few bytes: which stage of a set-up, and the errno.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

namespace gbuild::sandbox {

// Thrown while a namespace is set up. `what` is the call as a person would look it up: "mount(overlay)".
struct StageFailure {
    std::string what;
    int error_number = 0;
};

// Thrown where something cannot be mounted because of what the image has at `target`, or what the step asks for.
enum class Fault : uint8_t { other, no_directory };
struct MountFailure {
    std::string target;
    int error_number = 0;
    Fault fault = Fault::other;  // no_directory: the image has a link or a file there, and every step needs a directory
};

[[noreturn]] inline void fail_stage(std::string what) { throw StageFailure{std::move(what), errno}; }

// For calls that return -1 and set errno.
inline void check_stage(long result, const char* what) {
    if (result < 0) fail_stage(what);
}

}  // namespace gbuild::sandbox
