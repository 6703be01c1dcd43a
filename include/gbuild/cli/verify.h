// gbuild build --verify: the same build once more, under other circumstances, to see whether it gives the same bytes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gbuild/engine/build_options.h"

namespace gbuild::cli {

// Runs `body` in a process of its own, so that what it does to the process (user namespace, umask) ends with it.
// Returns what `body` returns; 128 + the signal when that ended it. The calling process must have one thread. `body`
// must not throw.
int in_own_process(const std::function<int()>& body);

// What is otherwise when a build is repeated, in words: "1 job", "isolation single", …
using Circumstances = std::vector<std::string>;

// Makes the process and the options those of another machine, as far as this user may: number of jobs, isolation,
// umask, time zone, host name, and a copy of the context at another place, written in another order at another time.
// The copy and the image are put into `place`. In a process of its own.
Circumstances change_circumstances(build::BuildOptions& options, const std::filesystem::path& place);

}  // namespace gbuild::cli
