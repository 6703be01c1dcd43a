#include "gbuild/sandbox/probe.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <functional>

#include <fmt/format.h>

#include "advice.h"
#include "child_process.h"
#include "gbuild/base/atomic_file.h"
#include "gbuild/base/binary.h"
#include "gbuild/base/error.h"
#include "mounts.h"
#include "payload.h"
#include "stage.h"
#include "step_init.h"
#include "user_namespace.h"

namespace gbuild::sandbox {

namespace {

namespace fs = std::filesystem;

// What the child tells.
struct Finding {
    bool works = false, overlay = false, own_proc = false, devices = false;
    std::optional<StageFailure> failure;
};

std::vector<std::byte> encode(const Finding& finding) {
    BinaryWriter out;
    for (bool flag : {finding.works, finding.overlay, finding.own_proc, finding.devices, finding.failure.has_value()}) {
        out.number(static_cast<uint8_t>(flag));
    }
    if (finding.failure) {
        out.number(finding.failure->error_number);
        out.text(finding.failure->what);
    }
    return out.bytes();
}

Finding decode_finding(std::string_view bytes) {
    BinaryReader in(as_bytes(bytes), "a probe's finding");
    Finding finding;
    finding.works = in.number<uint8_t>() != 0;
    finding.overlay = in.number<uint8_t>() != 0;
    finding.own_proc = in.number<uint8_t>() != 0;
    finding.devices = in.number<uint8_t>() != 0;
    if (in.number<uint8_t>() == 0) return finding;
    const int error_number = in.number<int>();
    finding.failure = StageFailure{std::string(in.text()), error_number};
    return finding;
}

// Runs `body` in a child with these namespaces of its own and returns what it finds; a StageFailure that leaves it is
// the finding.
Finding in_child(int namespaces, const std::function<Finding()>& body) {
    Pipe pipe = make_pipe();
    const pid_t pid = fork_into(namespaces);
    if (pid == 0) {
        pipe.read.reset();
        Finding finding;
        try {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            finding = body();
        } catch (const StageFailure& failure) {
            finding.failure = failure;
        } catch (const std::exception& error) {
            finding.failure = StageFailure{error.what(), 0};
        }
        write_all(pipe.write.get(), encode(finding));
        ::_exit(0);
    }
    OwnedChild child(pid);
    pipe.write.reset();
    const std::string bytes = read_text(pipe.read.get(), 1 << 16, "a probe's finding");
    child.wait();
    if (bytes.empty()) throw StageFailure{"the probe's process was killed", 0};
    return decode_finding(bytes);
}

void make_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0) throw_errno(fmt::format("cannot create {}", path.native()));
}

// What the steps' overlays do: a file of the lower layer goes, and a directory takes its name. A kernel that lacks
// userxattr mounts and fails then.
void try_overlay(const fs::path& directory) {
    for (const char* name : {"lower", "upper", "work", "root"}) make_directory(directory / name);
    write_file_atomically(directory / "lower" / "file", "x");
    mount_overlay({{(directory / "lower").native()},
                   (directory / "upper").native(),
                   (directory / "work").native(),
                   (directory / "root").native()},
                  Devices::no);
    const fs::path file = directory / "root" / "file";
    const int removed = ::unlink(file.c_str());
    const int made = removed == 0 ? ::mkdir(file.c_str(), 0755) : -1;
    StageFailure failure{"mount(overlay) and a whiteout in it", errno};
    ::umount2((directory / "root").c_str(), MNT_DETACH);
    if (removed != 0 || made != 0) throw failure;
}

// Root of a user namespace may have no other id to give.
void try_owners(const fs::path& directory) {
    const fs::path file = directory / "owned";
    write_file_atomically(file, "");
    check_stage(::chown(file.c_str(), 1, 1), "chown to another id");
}

bool can_make_devices(const fs::path& directory) {
    return ::mknod((directory / "device").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
}

void try_fresh_proc() {
    UniqueFd context(::fsopen("proc", FSOPEN_CLOEXEC));
    if (!context) fail_stage("mount(proc)");
    check_stage(::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "mount(proc)");
    const UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
    if (!mount) fail_stage("mount(proc)");
}

// Runs `attempt`; false, and the failure kept, when it fails.
bool try_stage(Finding& finding, const std::function<void()>& attempt) {
    try {
        attempt();
        return true;
    } catch (const StageFailure& failure) {
        if (!finding.failure) finding.failure = failure;
        return false;
    }
}

void try_filter() {
    Finding finding = in_child(0, [] {
        install_filter({Emulation::ownership, false});
        Finding fine;
        fine.works = true;
        return fine;
    });
    if (!finding.works) throw StageFailure{"seccomp: " + finding.failure->what, finding.failure->error_number};
}

Finding try_namespaces(Isolation isolation, const fs::path& directory) {
    // Not the process that has entered the user namespace: a PID namespace is for children.
    return in_child(StepContext{isolation, ProcMount::fresh}.namespaces(), [&] {
        Finding finding;
        check_stage(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount(private)");
        make_directory(directory / "tmpfs");
        check_stage(::mount("tmpfs", (directory / "tmpfs").c_str(), "tmpfs", 0, nullptr), "mount(tmpfs)");
        ::umount2((directory / "tmpfs").c_str(), MNT_DETACH);
        if (isolation == Isolation::single) try_filter();
        if (isolation != Isolation::single) try_owners(directory);
        finding.devices = can_make_devices(directory);
        if (isolation != Isolation::single && !finding.devices) try_filter();
        finding.works = true;
        finding.own_proc = try_stage(finding, [] { try_fresh_proc(); });
        finding.overlay = try_stage(finding, [&] { try_overlay(directory); });
        return finding;
    });
}

Finding try_chroot(const fs::path& directory) {
    if (::geteuid() != 0) throw StageFailure{"effective user id 0", EPERM};
    check_stage(::chroot("/"), "chroot");
    try_owners(directory);
    Finding finding;
    finding.devices = can_make_devices(directory);
    finding.works = true;
    return finding;
}

Finding try_isolation(Isolation isolation, const fs::path& directory) {
    switch (isolation) {
    case Isolation::root: {
        if (::geteuid() != 0) throw StageFailure{"effective user id 0", EPERM};
        return try_namespaces(isolation, directory);
    }
    case Isolation::subid:
    case Isolation::single:
        return in_child(0, [&] {
            enter_user_namespace(isolation);
            Finding finding = try_namespaces(isolation, directory);
            // overlayfs leaves a directory that only the namespace's root can remove.
            std::error_code ignored;
            fs::remove_all(directory / "work", ignored);
            fs::remove_all(directory / "upper", ignored);
            return finding;
        });
    case Isolation::chroot: break;
    }
    return in_child(0, [&] { return try_chroot(directory); });
}

std::string failures_of(const std::vector<Probe>& tried) {
    std::string text;
    for (const Probe& one : tried) {
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", isolation_name(one.isolation), describe(one));
    }
    return text;
}

}  // namespace

Probe probe(Isolation isolation, const fs::path& directory) {
    TempDir place(directory);
    Probe result;
    result.isolation = isolation;
    try {
        Finding finding = try_isolation(isolation, place.path());
        result.works = finding.works;
        result.overlay = finding.overlay;
        result.own_proc = finding.own_proc;
        result.devices = finding.devices;
        if (finding.failure) fill_in(result, *finding.failure);
    } catch (const StageFailure& failure) {
        fill_in(result, failure);
    }
    return result;
}

Probe choose_isolation(std::optional<Isolation> forced, const fs::path& directory) {
    std::vector<Probe> tried;
    for (Isolation isolation : all_isolations) {
        if (forced && isolation != *forced) continue;
        tried.push_back(probe(isolation, directory));
        if (tried.back().works) return tried.back();
    }
    if (forced) {
        throw Error(ErrorKind::unsupported, fmt::format("RUN cannot be executed with --isolation={}: {}",
                                                        isolation_name(*forced), describe(tried.back())))
            .hint(tried.back().remedy);
    }
    // What an ordinary user would use is what there is the most to do about.
    const Probe& likeliest = ::geteuid() == 0 ? tried.front() : tried[2];
    throw Error(ErrorKind::unsupported, fmt::format("RUN cannot be executed here: {}", failures_of(tried)))
        .hint(likeliest.remedy + " (gbuild doctor tells more)");
}

}  // namespace gbuild::sandbox
