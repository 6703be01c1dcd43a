// Which shell RUN's shell form starts, as far as an image's name tells.
#pragma once

#include <string>
#include <string_view>

namespace gbuild::check {

enum class BaseShell {
    unknown,
    bash,     // sh is bash: Fedora and its relatives, Arch, SUSE
    busybox,  // sh knows pipefail, and there is no bash: Alpine, busybox
    dash,     // sh knows no pipefail, and bash is there: Debian, Ubuntu, and docker's images on them
};

// `reference` as a FROM has it, expanded.
BaseShell base_shell(std::string_view reference);

}  // namespace gbuild::check
