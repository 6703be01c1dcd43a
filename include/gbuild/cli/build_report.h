// What a finished build tells: the last lines, and the files that --iidfile and --metadata-file ask for.
#pragma once

#include <string>

#include "gbuild/cli/json_text.h"
#include "gbuild/engine/build_options.h"
#include "gbuild/engine/build_result.h"

namespace gbuild::cli {

// "sha256:…": the .gvmi's, else the first container image's as docker counts it; "" when no image is written.
std::string image_id(const build::BuildResult& result);
// What -q prints: the hash of the .gvmi as SDKs take it, else the image id.
std::string build_identity(const build::BuildResult& result);

// "Successfully tagged …" and what follows, for standard output. `file` is as the user knows it.
std::string build_summary(const build::BuildOptions& options, const build::BuildResult& result);

// Keys: see the man page.
Json build_metadata(const build::BuildOptions& options, const build::BuildResult& result);

}  // namespace gbuild::cli
