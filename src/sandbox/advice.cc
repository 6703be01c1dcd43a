#include "advice.h"

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/text.h"

namespace gbuild::sandbox {

namespace {

struct Advice {
    std::string cause, remedy;
};

// A one-line file of /proc; "" where there is none.
std::string setting(const char* path) {
    try {
        return std::string(trim(read_text_file(path, 4096)));
    } catch (const Error&) {
        return "";
    }
}

bool begins(const std::string& text, std::string_view with) { return text.rfind(with, 0) == 0; }

std::optional<Advice> apparmor_advice() {
    if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") != "1") return std::nullopt;
    const std::string profile = setting("/proc/self/attr/apparmor/current");
    return Advice{
        fmt::format("AppArmor restricts unprivileged user namespaces "
                    "(kernel.apparmor_restrict_unprivileged_userns=1; this process is {})",
                    profile.empty() ? "unconfined" : profile),
        "have an administrator load a profile for gbuild that grants userns: a file /etc/apparmor.d/gbuild with "
        "'abi <abi/4.0>, profile gbuild /path/to/gbuild flags=(unconfined) { userns, }', then apparmor_parser -r; "
        "or sysctl kernel.apparmor_restrict_unprivileged_userns=0"};
}

Advice user_namespace_advice(int error_number) {
    if (error_number == ENOSPC) {
        return {fmt::format("user.max_user_namespaces is {}", setting("/proc/sys/user/max_user_namespaces")),
                "have an administrator set sysctl user.max_user_namespaces=15000"};
    }
    if (error_number == EINVAL || error_number == ENOSYS) {
        return {"this kernel has no user namespaces", "use a kernel with CONFIG_USER_NS, or run gbuild as root"};
    }
    if (setting("/proc/sys/kernel/unprivileged_userns_clone") == "0") {
        return {"kernel.unprivileged_userns_clone is 0",
                "have an administrator set sysctl kernel.unprivileged_userns_clone=1"};
    }
    if (auto advice = apparmor_advice()) return *advice;
    if (setting("/proc/self/status").find("Seccomp:\t2") != std::string::npos) {
        return {
            "a seccomp filter, such as a container's, refuses new namespaces",
            "run the container with --security-opt seccomp=unconfined or a profile that allows unshare and mount, or "
            "run gbuild as root in it"};
    }
    return {"new user namespaces are refused", "run gbuild as root, or where user namespaces are allowed"};
}

Advice root_advice(const Probe&) {
    return {"this is not a root that may do so (CAP_SYS_ADMIN)",
            "run gbuild as an ordinary user, as the host's root, or in a container with --privileged"};
}

Advice mount_advice(const std::string& stage, int error_number) {
    if (begins(stage, "mount(overlay)")) {
        return {
            error_number == ENODEV ? "this kernel has no overlayfs"
                                   : "the kernel refuses overlayfs on the store's file system (it needs Linux 5.11 in "
                                     "a user namespace, and cannot be on another overlayfs)",
            "put the store on ext4, xfs, btrfs or tmpfs with --root; without overlayfs every step compares all files"};
    }
    if (begins(stage, "mount(proc)")) {
        return {"parts of /proc are masked, as in a container, and the kernel gives no fresh one then",
                "steps see the host's processes; run the container with --security-opt systempaths=unconfined to avoid "
                "that"};
    }
    if (auto advice = apparmor_advice()) return *advice;
    return {"mounting is refused", "run gbuild where its user may mount in a user namespace, or as root"};
}

// Whatever the call was for, there is no more of it.
std::optional<Advice> shortage_advice(const StageFailure& failure) {
    // What was thrown as an Error has the number in words only.
    if (failure.error_number == EMFILE || failure.what.ends_with(std::generic_category().message(EMFILE))) {
        return Advice{"no more files may be open", "raise the limit on open files (ulimit -n)"};
    }
    if (failure.error_number == EAGAIN && (begins(failure.what, "fork") || begins(failure.what, "clone"))) {
        return Advice{"no more processes may be started",
                      "raise the limit on processes (ulimit -u, or the container's), or build with fewer --jobs"};
    }
    return std::nullopt;
}

Advice advice_for(const Probe& probe, const StageFailure& failure) {
    if (auto advice = shortage_advice(failure)) return *advice;
    const std::string& stage = failure.what;
    if (begins(stage, "ranges of")) {
        return {"the user has no ranges of ids", "have an administrator run usermod --add-subuids 100000-165535 "
                                                 "--add-subgids 100000-165535 USER; or build with --isolation=single"};
    }
    if (stage.find("uidmap") != std::string::npos || stage.find("gidmap") != std::string::npos) {
        return {"newuidmap and newgidmap have to be installed set-uid and to agree with /etc/subuid and /etc/subgid",
                "install the package uidmap; or build with --isolation=single"};
    }
    if (begins(stage, "chown to another")) {
        return {"this root is alone in its user namespace: it has no other ids",
                "build with --isolation=single, which needs none, or as an ordinary user"};
    }
    if (begins(stage, "seccomp")) {
        return {
            "the kernel has no seccomp user notification (Linux 5.11), or a filter with a listener is there already",
            "use a newer kernel, or have ranges in /etc/subuid and /etc/subgid"};
    }
    if (begins(stage, "open(cgroup") || begins(stage, "write(cgroup")) {
        return {"the control group cannot be joined", "build without --memory and --pids"};
    }
    if (begins(stage, "chroot") || begins(stage, "effective user")) {
        return {"only root may do that (CAP_SYS_CHROOT)", "run gbuild as root, or where user namespaces are allowed"};
    }
    const bool in_user_namespace = probe.isolation == Isolation::single || probe.isolation == Isolation::subid;
    if (stage.find("user namespace") != std::string::npos || begins(stage, "open(/proc/self") ||
        begins(stage, "write(/proc/self")) {
        return user_namespace_advice(failure.error_number);
    }
    if (!in_user_namespace && begins(stage, "clone(namespaces)")) return root_advice(probe);
    return mount_advice(stage, failure.error_number);
}

}  // namespace

void fill_in(Probe& probe, const StageFailure& failure) {
    Advice advice = advice_for(probe, failure);
    probe.stage = failure.what;
    probe.error_number = failure.error_number;
    probe.cause = std::move(advice.cause);
    probe.remedy = std::move(advice.remedy);
}

std::string describe(const Probe& probe) {
    std::string text = probe.stage;
    if (probe.error_number != 0) text += fmt::format(": {}", ::strerror(probe.error_number));
    if (!probe.cause.empty()) text += fmt::format(" ({})", probe.cause);
    return text;
}

}  // namespace gbuild::sandbox
