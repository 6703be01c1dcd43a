// A disk that is full soon.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <functional>

#include "gbuild/base/error.h"
#include "support/catch.h"
#include "support/child.h"

namespace gbuild::test {

inline void write_text(const char* path, const std::string& text) { write_all(open_file(path, O_WRONLY).get(), text); }

// A tmpfs of this size over `directory`, seen by the calling process only. False where the kernel does not let us.
inline bool mount_small_disk(const std::filesystem::path& directory, const char* size) {
    auto uid = ::geteuid();
    auto gid = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", fmt::format("0 {} 1", uid));
    write_text("/proc/self/gid_map", fmt::format("0 {} 1", gid));
    return ::mount("tmpfs", directory.c_str(), "tmpfs", 0, size) == 0;
}

inline constexpr int skipped = 77;

// Runs `body` in a process that sees `directory` as a small disk; its exit code, 0 for success.
inline void on_small_disk(const std::filesystem::path& directory, const char* size, const std::function<bool()>& body) {
    Child child([&](Child&) {
        try {
            if (!mount_small_disk(directory, size)) return skipped;
        } catch (const Error&) {
            return skipped;
        }
        return body() ? 0 : 1;
    });
    int code = child.wait();
    if (code == skipped) {
        WARN("skipped: no tmpfs in a user namespace here");
        return;
    }
    CHECK(code == 0);
}

}  // namespace gbuild::test
