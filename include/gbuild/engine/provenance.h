// Which step each file of an image comes from, and what steps have written in vain.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gbuild::build {

// What a step has written, and what of that is in the image.
struct StepFiles {
    int step = 0;  // its number; 0: what gbuild itself adds for the VM
    uint64_t files = 0, bytes = 0;
    uint64_t kept_files = 0, kept_bytes = 0;
};

// A file that is not in the image, since a later step replaced or removed it.
struct LostFile {
    std::string path;
    uint64_t size = 0;
    int step = 0;     // that wrote it
    int lost_to = 0;  // that replaced or removed it
};

struct Provenance {
    static constexpr size_t most_lost = 100;

    std::vector<StepFiles> steps;  // of the target, FROM first
    std::vector<LostFile> lost;    // the largest, largest first
    // By the order of Tree::walk(): a step, and how many of the files that follow are its own.
    std::vector<std::pair<int, uint64_t>> runs;

    bool empty() const { return runs.empty(); }
};

}  // namespace gbuild::build
