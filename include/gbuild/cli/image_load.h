// `gbuild build --load`: the image handed to docker or podman.
#pragma once

#include <filesystem>
#include <string>

#include "gbuild/cli/console.h"

namespace gbuild::cli {

// The first of docker and podman that is installed and answers. Throws unsupported when neither does.
std::string find_image_loader();

// Has `loader` load an archive of docker's. What it says goes to console.err. Throws io when it fails.
void load_image(const std::string& loader, const std::filesystem::path& archive, Console& console);

}  // namespace gbuild::cli
