// A directory with a busybox, and commands run in it in each isolation that this machine offers.
#pragma once

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "gbuild/base/remove_tree.h"
#include "gbuild/sandbox/sandbox.h"
#include "support/catch.h"

namespace gbuild::test {

// What `body` returns, from a process of its own: a sandbox changes its process for good.
inline std::string in_child(const std::function<std::string()>& body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        std::string answer;
        try {
            answer = body();
        } catch (const Error& error) {
            answer = "error: " + error.message();
        } catch (const std::exception& error) {
            answer = std::string("exception: ") + error.what();
        }
        write_all(write_end.get(), answer);
        ::_exit(0);
    }
    write_end.reset();
    std::string answer = read_text(read_end.get(), 1 << 20, "the child's answer");
    ::waitpid(pid, nullptr, 0);
    return answer;
}

constexpr const char* busybox = "/bin/busybox";

// A root directory with a busybox.
struct Place {
    Place() {
        for (const char* name : {"base", "base/bin", "base/tmp", "upper", "work", "mnt"}) {
            std::filesystem::create_directory(dir.path() / name);
        }
        std::filesystem::copy_file(busybox, dir.path() / "base/bin/busybox");
        std::filesystem::create_symlink("busybox", dir.path() / "base/bin/sh");
    }

    sandbox::Step step(const std::string& script, bool overlay) const {
        sandbox::Step step;
        auto path = [&](const char* name) { return (dir.path() / name).native(); };
        if (overlay) {
            step.root = {{path("base")}, path("upper"), path("work"), path("mnt")};
        } else {
            step.root.directory = path("base");
        }
        step.command = {"sh", "-c", script};
        step.environment = {"PATH=/bin", "HOME=/"};
        return step;
    }

    TempDir dir;
};

// The isolations that this machine and user offer.
inline std::vector<sandbox::Probe> offered() {
    std::vector<sandbox::Probe> probes;
    TempDir dir;
    for (sandbox::Isolation isolation : sandbox::all_isolations) {
        sandbox::Probe found = sandbox::probe(isolation, dir.path());
        if (found.works) probes.push_back(found);
    }
    return probes;
}

inline std::string run_in(const sandbox::Probe& probe, const sandbox::Step& step, std::stop_token stop = {}) {
    // What a volatile overlay leaves there keeps the next one from being mounted (E-10).
    if (!step.root.work.empty()) {
        remove_tree(step.root.work);
        std::filesystem::create_directory(step.root.work);
    }
    return in_child([&] {
        sandbox::Sandbox sandbox(probe);
        std::string output;
        sandbox::StepResult result = sandbox.run(
            step, [&](std::string_view text) { output += text; }, stop);
        if (result.end == sandbox::StepResult::End::timed_out) return output + "timed out";
        if (result.end == sandbox::StepResult::End::killed) return output + fmt::format("signal {}", result.code);
        return output + fmt::format("{}{}", result.problem.empty() ? "" : result.problem + " ", result.code);
    });
}

// Runs `check` for each isolation, with and without overlayfs.
inline void for_each_isolation(const std::function<void(const sandbox::Probe&, bool overlay)>& check) {
    if (!std::filesystem::exists(busybox)) {
        WARN("skipped: no /bin/busybox (package busybox-static)");
        return;
    }
    const std::vector<sandbox::Probe> probes = offered();
    if (probes.empty()) {
        WARN("skipped: commands cannot be isolated here in any way");
        return;
    }
    for (const sandbox::Probe& probe : probes) {
        for (bool overlay : {false, true}) {
            if (overlay && !probe.overlay) continue;
            CAPTURE(sandbox::isolation_name(probe.isolation), overlay);
            check(probe, overlay);
        }
    }
}

}  // namespace gbuild::test
