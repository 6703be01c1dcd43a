// What this machine lets its user do, found out by doing it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/sandbox/isolation.h"

namespace gbuild::sandbox {

struct Probe {
    Isolation isolation = Isolation::root;
    bool works = false;
    // With them all is well; without, steps still run: their changes are found by comparing all files, and they see the
    // host's processes.
    bool overlay = false;
    bool own_proc = false;
    bool devices = false;  // device nodes can be made; otherwise they are emulated
    // Of the first stage that failed, or of the one that made overlay or own_proc false; empty when all is well.
    std::string stage;  // "mount(overlay)"
    int error_number = 0;
    std::string cause;   // what is likely behind it
    std::string remedy;  // what to do about it
};

// Tries out an isolation in a child process; `directory` is where the steps' directories will be, and is left as it
// was. The calling process must have one thread. Throws io.
Probe probe(Isolation isolation, const std::filesystem::path& directory);

// "unshare(user namespace): Operation not permitted (…)": what a probe found, on one line.
std::string describe(const Probe& probe);

// The first isolation that works, or `forced` if it does. Throws unsupported, saying of each what failed and the
// remedy.
Probe choose_isolation(std::optional<Isolation> forced, const std::filesystem::path& directory);

}  // namespace gbuild::sandbox
