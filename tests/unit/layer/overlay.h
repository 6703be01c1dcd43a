// Real overlay mounts, in processes of their own.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"
#include "support/child.h"
#include "support/small_disk.h"

namespace gbuild::layer {

struct OverlayDirs {
    std::string lower;  // "a:b"
    std::filesystem::path upper, work, merged;
};

// Becomes root, if only of a user namespace with the caller as its one user, with mounts of its own.
inline bool enter_namespaces() {
    if (::geteuid() == 0)
        return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    const auto uid = ::geteuid();
    const auto gid = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    test::write_text("/proc/self/setgroups", "deny");
    test::write_text("/proc/self/uid_map", fmt::format("0 {} 1", uid));
    test::write_text("/proc/self/gid_map", fmt::format("0 {} 1", gid));
    return true;
}

inline bool mount_overlay(const OverlayDirs& dirs) {
    const std::string options = fmt::format("userxattr,lowerdir={},upperdir={},workdir={}", dirs.lower,
                                            dirs.upper.native(), dirs.work.native());
    return ::mount("overlay", dirs.merged.c_str(), "overlay", 0, options.c_str()) == 0;
}

// Runs `body` in a process of its own, in `directory`, where `prepare` has succeeded. What `body` returns, or throws,
// as text, by way of a file at `report`; nullopt where preparing fails.
inline std::optional<std::string> in_namespaces(const std::filesystem::path& report,
                                                const std::filesystem::path& directory,
                                                const std::function<bool()>& prepare,
                                                const std::function<std::string()>& body) {
    test::Child child([&](test::Child&) {
        try {
            if (!prepare()) return test::skipped;
        } catch (const Error&) {
            return test::skipped;
        }
        std::string text;
        try {
            if (::chdir(directory.c_str()) != 0) return 1;
            text = body();
        } catch (const std::exception& error) {
            text = error.what();
        }
        write_all(open_file(report, O_WRONLY | O_CREAT | O_TRUNC).get(), text);
        return 0;
    });
    const int code = child.wait();
    if (code == test::skipped) return std::nullopt;
    if (code != 0) return fmt::format("exit code {}", code);
    return read_text_file(report, 1 << 20);
}

// The same in an overlay mount, which only the process sees.
inline std::optional<std::string> in_overlay(const OverlayDirs& dirs, const std::function<std::string()>& body) {
    return in_namespaces(
        dirs.merged.parent_path() / "report", dirs.merged, [&] { return enter_namespaces() && mount_overlay(dirs); },
        body);
}

}  // namespace gbuild::layer
