// A command to run in a root directory, and how it ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gbuild/base/recorded_owner.h"
#include "gbuild/sandbox/emulation.h"

namespace gbuild::sandbox {

// The root directory of a step. With layers, overlayfs is mounted: what the step changes goes to `upper`, and `upper`
// and `work` are empty before. Without, the step changes `directory` itself. Absolute paths of directories.
struct StepRoot {
    std::vector<std::string> layers;  // highest first; at least one, or none at all
    std::string upper, work;
    std::string directory;  // where the overlay is mounted; without layers, the root itself
    // With layers: what the step changes goes to a file system in memory of so many bytes instead, gone with the step.
    // The step sees device nodes nowhere but in /dev. Takes a kernel whose tmpfs keeps user attributes (6.6) where
    // owners are recorded.
    std::optional<uint64_t> memory = {};
};

// A file that is there only while the step runs.
struct InjectedFile {
    std::string path;  // in the image, with no symbolic link on the way: "etc/resolv.conf"
    std::string contents;
};

// What a step sees at `target` while it runs, and what leaves no trace there. With chroot isolation nothing is mounted:
// what is in the one layer of a bind is moved there and back, what is in its place meanwhile is in `point`, all on one
// file system; read_only has no effect, and there is no other kind.
struct StepMount {
    enum class Kind : uint8_t {
        bind,   // what `layers` show together; with `upper` and `work` as well, changes go there, else to the one layer
        tmpfs,  // an empty directory of its own, in memory
        file,   // a file with `contents`, in memory
    };
    Kind kind = Kind::bind;
    std::string target;  // in the image, absolute; symbolic links are followed there. Made when missing
    bool read_only = false;
    // bind: absolute paths of directories on the host, highest first. Several with nothing above are read-only.
    std::vector<std::string> layers;
    std::string upper, work;  // empty directories, or ""
    std::string point;        // bind: an empty directory, needed where there is more than one layer or an upper one
    std::string path;         // bind: what of them is shown, without "/" in front and symbolic links; "": all
    std::optional<uint64_t> size;            // tmpfs, bytes
    std::string contents;                    // file
    uint32_t mode = 0444, uid = 0, gid = 0;  // file
};

// A limit of setrlimit(2).
struct ResourceLimit {
    static constexpr uint64_t unlimited = UINT64_MAX;
    std::string name;  // "nofile"
    int resource = 0;  // RLIMIT_NOFILE
    uint64_t soft = 0, hard = 0;
};

enum class Network : uint8_t { host, none };

struct Step {
    StepRoot root;
    std::vector<std::string> command;      // command[0] is looked up in the PATH of `environment`
    std::vector<std::string> environment;  // "NAME=value"
    std::string directory = "/";           // working directory, in the image
    Identity identity;
    std::string hostname = "gbuild";
    Network network = Network::host;
    bool all_capabilities = false;    // --security=insecure
    std::vector<InjectedFile> files;  // bound over what is there
    std::vector<StepMount> mounts;    // in this order
    std::vector<ResourceLimit> limits;
    std::optional<uint64_t> shm_size;   // of /dev/shm, bytes
    std::vector<InjectedFile> scripts;  // names in /dev/pipes, executable
    std::vector<PathRecord> owners;     // of symbolic links, FIFOs and sockets; for ownership emulation
    bool has_devices = false;           // there are device nodes outside /dev
    std::optional<std::string> cgroup;  // directory of a cgroup that the step joins
    std::chrono::seconds timeout{0};    // 0: none
};

struct StepResult {
    enum class End : uint8_t { exited, killed, timed_out };
    End end = End::exited;
    int code = 0;  // exit code, or the signal's number
    // Why the command could not be started; `code` is 126 or 127 then, as a shell has it.
    std::string problem;
    FinalOwners owners;  // those afterwards
};

}  // namespace gbuild::sandbox
