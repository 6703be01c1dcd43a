// Keeps a step from executing gbuild itself.
#pragma once

#include <string>

namespace gbuild::sandbox {

// Whether execvp(3) of `command` would execute the file that this process executes: by way of a link in /proc, or as
// the interpreter that a script names. That file is the machine's, and a process that executes it shows it to the whole
// step as /proc/PID/exe, where it could be changed. To be called in the step's own root, with the step's PATH in
// `path`.
bool executes_own_program(const std::string& command, const std::string& path);

}  // namespace gbuild::sandbox
