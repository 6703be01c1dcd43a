// Ownership emulation: a process tree that has one user id lives as if it had all of them.
//
// A seccomp filter hands the calls that concern owners, credentials and permissions to a supervisor
// (seccomp_unotify(2)), which answers them from what it records: owners in extended attributes of the files themselves
// (base/recorded_owner.h), credentials in a table of its own. No security boundary: what the emulated processes could
// do without it, they can do with it. x86-64 kernels only, and of their interfaces x86-64, x32 and i386.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "gbuild/base/fd.h"
#include "gbuild/base/recorded_owner.h"

namespace gbuild::sandbox {

enum class Emulation : uint8_t {
    none,
    devices,    // many ids, but no right to make device nodes: those alone
    ownership,  // one id
};

struct FilterOptions {
    Emulation emulation = Emulation::ownership;
    // Files opened for reading are checked, too. Costs a round trip for each; worth it where a step starts as somebody
    // other than root.
    bool check_reads = false;
};

// Installs the filter in the calling thread, whose process must have no other, and which needs CAP_SYS_ADMIN in its
// user namespace. Returns the listener. Throws system errors, unsupported where the kernel has no such thing.
UniqueFd install_filter(const FilterOptions& options);

// What a process is to be when it starts.
struct Identity {
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::vector<uint32_t> groups;  // supplementary; docker has the gid among them
};

// Owners that no file carries. An inode that overlayfs copied up has another number in its upper layer than the mount
// shows, so of such ones the path is told.
struct FinalOwners {
    std::vector<NodeRecord> nodes;
    std::vector<PathRecord> paths;
};

// Answers a filter's calls in threads of its own. The calling process must not be filtered itself, must be root of the
// same user namespace, and must have the root directory that the emulated processes start with. While it lives it uses
// two things that belong to others, too: the calling process's action for SIGRTMAX, and the emulated processes' soft
// limit RLIMIT_RTTIME.
class Supervisor {
  public:
    struct Options {
        Emulation emulation = Emulation::ownership;
        unsigned threads = 2;  // the second and further ones help out when one alone is too slow
        // Owners of symbolic links, FIFOs and sockets that are there already.
        std::vector<PathRecord> known;
        bool has_devices = false;  // recorded device nodes are there already
    };

    // `proc` is a directory descriptor of a procfs that shows the emulated processes by the numbers that the calling
    // process knows them by; it must stay open. Throws system errors; unsupported where RLIMIT_RTTIME is limited.
    Supervisor(UniqueFd listener, int proc, const Options& options);
    ~Supervisor();  // ends the threads

    // For a process that has not run anything yet; what it starts inherits it.
    void set_identity(pid_t process, const Identity& identity);

    // Once no emulated process is left: the owners of symbolic links, FIFOs and sockets that are not 0:0.
    FinalOwners finish();

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace gbuild::sandbox
