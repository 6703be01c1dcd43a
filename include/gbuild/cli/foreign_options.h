// Options of docker, buildx, buildah, podman, kaniko and gvmkit-build that gbuild does not have under that name, and
// what becomes of each: people and CI scripts give them from habit.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gbuild/cli/console.h"

namespace gbuild::cli {

enum class Treatment {
    renamed,  // stands for options or an argument of gbuild
    ignored,  // what it asks for is so anyway, or has no meaning here: accepted with a notice
    refused,  // cannot be done, and leaving it out would give something else than was asked for
};

enum class ForeignValue {
    none,      // a switch; --name=true and --name=false are understood
    optional,  // --name or --name=VALUE
    required,  // --name VALUE, --name=VALUE, -n VALUE
};

struct ForeignOption {
    std::string_view name;  // "--rm", "-c"
    ForeignValue value;
    Treatment treatment;
    // renamed: what is put in its place, words separated by spaces, {} for the value; ignored and refused: the reason,
    // to stand behind "ignoring NAME:" and "NAME:".
    std::string_view text;
    std::string_view hint = {};  // refused: what to do instead
    std::string_view only = {};  // ignored: the values for which the reason holds, separated by "|"; empty: all
};

// Those that `command` ("build") is given by habit; none for a command without any.
std::span<const ForeignOption> foreign_options(std::string_view command);

// Writes each of the notices on options that are ignored as a line of standard error.
void tell(std::span<const std::string> notices, const Console& console);

}  // namespace gbuild::cli
