// A file from which login shells take the image's variables, which some runtimes do not pass on to programs.
#pragma once

#include "gbuild/base/events.h"
#include "gbuild/plan/plan.h"

namespace gbuild::build {

// Where Debian's, Alpine's and others' /etc/profile look for such files.
constexpr const char* env_profile_path = "/etc/profile.d/image-env.sh";

// Adds a step that copies the file to the target, unless that has no variables. Warns of variables whose names no shell
// can set.
void add_env_profile(plan::Plan& plan, EventSink& events);

}  // namespace gbuild::build
