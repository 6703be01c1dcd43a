// The root directory of a step where nothing may be mounted: chroot(2), with the bare necessities made in place.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "gbuild/sandbox/step.h"
#include "mount_points.h"

namespace gbuild::sandbox {

class ChrootRoot {
  public:
    explicit ChrootRoot(const Step& step) : step_(step) {}

    // chroot(2) of the calling process; then makes the devices and files that are missing, and fills those of
    // `step.files` that are empty. Throws StageFailure.
    void enter();
    // Undoes all but the chroot, as far as the step left it as it was.
    void clean_up();

  private:
    void make_devices();
    void fill(const InjectedFile& file);

    struct Filled {
        std::string path;
        std::string contents;
        struct stat before;
    };
    const Step& step_;
    MountPoints points_;
    std::vector<std::string> devices_;
    std::vector<Filled> filled_;
};

}  // namespace gbuild::sandbox
