// A step's root directory and what is mounted in it.
#pragma once

#include <string>
#include <vector>

#include "extra_mounts.h"
#include "gbuild/base/fd.h"
#include "gbuild/sandbox/step.h"
#include "mount_points.h"

namespace gbuild::sandbox {

enum class ProcMount : uint8_t {
    fresh,  // of the step's own PID namespace
    host,   // where /proc is masked, the kernel refuses a fresh one; the step then has the host's PID namespace
};

// Whether the device nodes in a step's files are devices to it, too.
enum class Devices : uint8_t { no, yes };

// overlayfs on `root.directory`; read-only where there is no `upper`. Throws StageFailure.
void mount_overlay(const StepRoot& root, Devices devices);

// Moves the calling process, which has a mount namespace of its own, into the step's root directory. What has to come
// from the host is taken along as detached mounts, so that nothing of the host is reachable by name while mounts are
// made: a symbolic link of the image leads nowhere but into the image.
class StepMounts {
  public:
    StepMounts(const Step& step, Owners owners) : step_(step), owners_(owners), extra_(step, owners) {}

    // Throws StageFailure, MountFailure. Afterwards "/" is the image's root.
    void enter(ProcMount proc);
    // Of what is mounted, in addition to step.owners.
    const std::vector<PathRecord>& owners_apart() const { return extra_.owners_apart(); }
    // Removes the mount points that were made for this step. No process of it may be left.
    void clean_up();

  private:
    void mount_root() const;
    void take_along(ProcMount proc);
    void take_devices();
    void make_devices();
    void make_directory(const char* path);
    void mount_proc(ProcMount proc);
    void mount_sys();
    void mount_dev();
    void mask() const;
    void inject_files();
    void mount_extra();
    void inject_scripts();

    struct Node {
        std::string name;
        UniqueFd mount;
    };
    const Step& step_;
    Owners owners_;
    MountPoints points_;
    UniqueFd proc_, sys_;
    std::vector<Node> nodes_;
    struct Mounted {
        std::string target;
        size_t points;  // made before
    };
    void note_mounted(std::string target);
    ExtraMounts extra_;
    std::vector<Mounted> mounted_;
};

}  // namespace gbuild::sandbox
