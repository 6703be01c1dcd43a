// The root directory of a step where nothing may be mounted: chroot(2), with the bare necessities made in place.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "gbuild/base/fd.h"
#include "gbuild/sandbox/step.h"
#include "mount_points.h"

namespace gbuild::sandbox {

class ChrootRoot {
  public:
    explicit ChrootRoot(const Step& step) : step_(step) {}

    // chroot(2) of the calling process; then makes the devices and files that are missing, and fills those of
    // `step.files` that are empty, and moves `step.mounts` in. Throws StageFailure, MountFailure.
    void enter();
    // Undoes all but the chroot, as far as the step left it as it was.
    void clean_up();

  private:
    void make_devices();
    void fill(const InjectedFile& file);
    void open_sources();
    void move_in(size_t number);
    void move_back();

    struct Filled {
        std::string path;
        std::string contents;
        struct stat before;
    };
    // One of step.mounts in its place.
    struct Moved {
        UniqueFd from;     // directory in which it was
        std::string name;  // in it
        UniqueFd aside;    // directory for what was in its place
        bool covers = false;
        size_t points = 0;  // made before
    };
    const Step& step_;
    MountPoints points_;
    std::vector<Moved> moved_;  // as step.mounts
    size_t in_place_ = 0;       // of them
    std::vector<std::string> devices_;
    std::vector<Filled> filled_;
};

}  // namespace gbuild::sandbox
