// What RUN --mount asks for: a step's StepMounts.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "gbuild/base/fd.h"
#include "gbuild/sandbox/step.h"
#include "mount_points.h"

namespace gbuild::sandbox {

enum class Owners : uint8_t {
    real,
    recorded,  // base/recorded_owner.h
};

class ExtraMounts {
  public:
    ExtraMounts(const Step& step, Owners owners) : step_(step), owners_(owners) {}

    // While the host's files are still to be seen by name, in a mount namespace of the caller's own. Throws
    // StageFailure.
    void take_along();
    // In the step's root directory, which has /proc and /dev, before anything of this is mounted. Throws MountFailure.
    void make();
    // Mounts one of step.mounts and returns where, without symbolic links. Throws MountFailure.
    std::string attach(size_t number, MountPoints& points);
    // Owners that files in memory cannot carry (before Linux 6.6), by where attach() put them.
    const std::vector<PathRecord>& owners_apart() const { return owners_apart_; }

  private:
    UniqueFd source_of(const StepMount& mount) const;
    UniqueFd file_in_memory(size_t number);

    const Step& step_;
    Owners owners_;
    std::vector<UniqueFd> sources_;  // of step.mounts; detached mounts
    UniqueFd memory_;                // where files in memory are made
    std::set<size_t> ownerless_;     // of step.mounts
    std::vector<PathRecord> owners_apart_;
};

}  // namespace gbuild::sandbox
