// Commands of docker, buildah, podman, skopeo and gvmkit-build, typed from habit, and what to write instead.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace gbuild::cli {

// What to write for the command line that `words` are ("image", "ls", …), as a hint; nullopt when they are no command
// that anybody has. To be asked about what is no command of gbuild only.
std::optional<std::string> foreign_command_hint(std::span<const std::string> words);

}  // namespace gbuild::cli
