#include "gbuild/sandbox/sandbox.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <latch>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "gbuild/base/atomic_file.h"
#include "gbuild/base/error.h"
#include "gbuild/base/fd.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::sandbox;
namespace fs = std::filesystem;

namespace {

constexpr const char* busybox = "/bin/busybox";

// What `body` returns, from a process of its own: a sandbox changes its process for good.
std::string in_child(const std::function<std::string()>& body) {
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

// A root directory with a busybox.
struct Place {
    Place() {
        for (const char* name : {"base", "base/bin", "base/tmp", "upper", "work", "mnt"}) {
            fs::create_directory(dir.path() / name);
        }
        fs::copy_file(busybox, dir.path() / "base/bin/busybox");
        fs::create_symlink("busybox", dir.path() / "base/bin/sh");
    }

    Step step(const std::string& script, bool overlay) const {
        Step step;
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
std::vector<Probe> offered() {
    std::vector<Probe> probes;
    TempDir dir;
    for (Isolation isolation : all_isolations) {
        Probe found = probe(isolation, dir.path());
        if (found.works) probes.push_back(found);
    }
    return probes;
}

std::string run_in(const Probe& probe, const Step& step, std::stop_token stop = {}) {
    return in_child([&] {
        Sandbox sandbox(probe);
        std::string output;
        StepResult result = sandbox.run(
            step, [&](std::string_view text) { output += text; }, stop);
        if (result.end == StepResult::End::timed_out) return output + "timed out";
        if (result.end == StepResult::End::killed) return output + fmt::format("signal {}", result.code);
        return output + fmt::format("{}{}", result.problem.empty() ? "" : result.problem + " ", result.code);
    });
}

// Runs `check` for each isolation, with and without overlayfs.
void for_each_isolation(const std::function<void(const Probe&, bool overlay)>& check) {
    if (!fs::exists(busybox)) {
        WARN("skipped: no /bin/busybox (package busybox-static)");
        return;
    }
    const std::vector<Probe> probes = offered();
    if (probes.empty()) {
        WARN("skipped: commands cannot be isolated here in any way");
        return;
    }
    for (const Probe& probe : probes) {
        for (bool overlay : {false, true}) {
            if (overlay && !probe.overlay) continue;
            CAPTURE(isolation_name(probe.isolation), overlay);
            check(probe, overlay);
        }
    }
}

}  // namespace

TEST_CASE("a command's output and exit code come back") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        CHECK(run_in(probe, place.step("echo out; echo err >&2; exit 3", overlay)) == "out\nerr\n3");
    });
}

TEST_CASE("a command that a signal ends, and one that cannot be started") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        CHECK(run_in(probe, place.step("kill -9 $$", overlay)) == "signal 9");
        Step step = place.step("", overlay);
        step.command = {"no-such-program"};
        CHECK(run_in(probe, step) == "no-such-program: No such file or directory 127");
        step.command = {"/tmp"};
        CHECK(run_in(probe, step) == "/tmp: Permission denied 126");
        step.command = {"sh"};
        step.directory = "/nowhere";
        CHECK(run_in(probe, step) == "the working directory /nowhere: No such file or directory 127");
    });
}

TEST_CASE("a step changes the upper layer, or the directory itself, and leaves no trace of its mounts") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        struct stat before {
        }, after{};
        const fs::path changed = place.dir.path() / (overlay ? "upper" : "base");
        REQUIRE(::stat(changed.c_str(), &before) == 0);
        Step step = place.step("echo x > /tmp/made; /bin/busybox cat /etc/hosts", overlay);
        step.files = {{"etc/hosts", "hosts\n"}};
        CHECK(run_in(probe, step) == "hosts\n0");
        CHECK(fs::exists(changed / "tmp/made"));
        for (const char* name : {"proc", "sys", "dev", "etc"}) CHECK_FALSE(fs::exists(changed / name));
        REQUIRE(::stat(changed.c_str(), &after) == 0);
        CHECK(before.st_mtim.tv_sec == after.st_mtim.tv_sec);
        CHECK(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    });
}

TEST_CASE("what a step leaves running ends with it") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        // It holds the output open; were it left, this would not end.
        CHECK(
            run_in(probe, place.step("/bin/busybox setsid sh -c 'while :; do /bin/busybox sleep 1000; done' & echo ok",
                                     overlay)) == "ok\n0");
    });
}

TEST_CASE("a step that takes too long is ended") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        Step step = place.step("/bin/busybox sleep 1000", overlay);
        step.timeout = std::chrono::seconds(1);
        CHECK(run_in(probe, step) == "timed out");
    });
}

TEST_CASE("a stop ends a step") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        std::stop_source stop;
        stop.request_stop();
        CHECK(run_in(probe, place.step("/bin/busybox sleep 1000", overlay), stop.get_token()) == "error: interrupted");
    });
}

TEST_CASE("a step finds the identity, environment and descriptors that it was given, and no others") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        if (probe.isolation == Isolation::chroot) return;
        Place place;
        Step step =
            place.step("/bin/busybox id -u; /bin/busybox id -g; /bin/busybox id -G; /bin/busybox env | "
                       "/bin/busybox grep -v -e PWD -e SHLVL; /bin/busybox hostname; umask; read line; echo $?; "
                       "set -- /proc/$$/fd/*; echo $#; [ -c /dev/null ] && echo null",
                       overlay);
        step.environment = {"PATH=/bin", "ONE=1"};
        step.identity = {1000, 1001, {20, 30}};
        if (probe.isolation == Isolation::subid) step.identity.groups = {};
        // The fourth descriptor is the shell's own, of the directory that it looks through.
        const std::string groups = probe.isolation == Isolation::subid ? "1001" : "1001 20 30";
        CHECK(run_in(probe, step) == "1000\n1001\n" + groups + "\nONE=1\nPATH=/bin\ngbuild\n0022\n1\n4\nnull\n0");
    });
}

TEST_CASE("a script is executed by what its first line names") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        Step step = place.step("", overlay);
        step.scripts = {{"EOF", "#!/bin/busybox cat\nthe script\n"}};
        step.command = {"/dev/pipes/EOF"};
        CHECK(run_in(probe, step) == "#!/bin/busybox cat\nthe script\n0");
    });
}

TEST_CASE("without a network there is the loopback alone") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        if (probe.isolation == Isolation::chroot || !probe.own_proc) return;
        Place place;
        Step step = place.step("/bin/busybox tail -n +3 /proc/net/dev | /bin/busybox cut -d: -f1; "
                               "/bin/busybox ping -c 1 127.0.0.1 > /dev/null && echo up",
                               overlay);
        step.network = Network::none;
        CHECK(run_in(probe, step) == "    lo\nup\n0");
    });
}

TEST_CASE("a link in the image leads nowhere but into the image") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        if (probe.isolation == Isolation::chroot) return;
        Place place;
        TempDir outside;
        fs::create_directory(outside.path() / "target");
        fs::create_symlink(outside.path() / "target", place.dir.path() / "base/dev");
        run_in(probe, place.step("true", overlay));
        CHECK(fs::is_empty(outside.path() / "target"));
    });
}

TEST_CASE("several steps run one after the other") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        const std::string answer = in_child([&] {
            Sandbox sandbox(probe);
            std::string output;
            auto take = [&](std::string_view text) { output += text; };
            for (const char* script : {"echo 1 > /tmp/f", "/bin/busybox cat /tmp/f; echo 2", "exit 4"}) {
                Step step = place.step(script, overlay);
                const StepResult result = sandbox.run(step, take, {});
                output += fmt::format("={} ", result.code);
                if (overlay) {
                    for (const char* name : {"work", "upper"}) {
                        fs::remove_all(place.dir.path() / name);
                        fs::create_directory(place.dir.path() / name);
                    }
                }
            }
            return output;
        });
        const std::string anew = "=0 cat: can't open '/tmp/f': No such file or directory\n2\n=0 =4 ";
        CHECK(answer == (overlay ? anew : "=0 1\n2\n=0 =4 "));
    });
}

namespace {

// What a step prints as soon as it runs.
constexpr std::string_view sign_of_life = "here\n";

// Runs a step until it is told to stop. "" when it was never started.
std::string run_until_stopped(
    Sandbox& sandbox, const Step& step, const std::stop_token& stop, const std::function<void()>& on_start = [] {}) {
    std::string output;
    try {
        sandbox.run(
            step,
            [&](std::string_view text) {
                output += text;
                if (output == sign_of_life) on_start();
            },
            stop);
    } catch (const Error& error) {
        return output + error.message();
    }
    return output + "ended";
}

}  // namespace

TEST_CASE("as many steps run side by side as were asked for") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        constexpr size_t count = 3;
        const std::array<Place, count> places;
        const std::string answer = in_child([&] {
            Sandbox sandbox(probe, count);
            std::array<std::string, count> outputs;
            {
                // Each goes on once all of them are there.
                std::latch all_there(count);
                std::vector<std::jthread> threads;
                for (size_t i = 0; i < count; i++) {
                    threads.emplace_back([&, i] {
                        const std::string script = fmt::format("echo here; echo {} > /tmp/f; exit {}", i, i);
                        const StepResult result = sandbox.run(places[i].step(script, overlay),
                                                              [&](std::string_view text) {
                                                                  outputs[i] += text;
                                                                  if (text == sign_of_life) all_there.arrive_and_wait();
                                                              },
                                                              {});
                        outputs[i] += fmt::format("{}", result.code);
                    });
                }
            }
            return fmt::format("{} {} {}", outputs[0], outputs[1], outputs[2]);
        });
        CHECK(answer == "here\n0 here\n1 here\n2");
        for (size_t i = 0; i < count; i++) {
            const fs::path made = places[i].dir.path() / (overlay ? "upper" : "base") / "tmp/f";
            CHECK(read_text(open_file(made, O_RDONLY).get(), 100, made.native()) == fmt::format("{}\n", i));
        }
    });
}

TEST_CASE("a stop ends the wait for other steps, and leaves those alone") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        const Place first, second;
        const std::string answer = in_child([&] {
            Sandbox sandbox(probe);
            const char* script = "echo here; exec /bin/busybox sleep 1000";
            std::latch runs(1);
            std::string running, waiting;
            std::jthread runner([&](const std::stop_token& stop) {
                running = run_until_stopped(sandbox, first.step(script, overlay), stop, [&] { runs.count_down(); });
            });
            runs.wait();
            std::jthread waiter([&](const std::stop_token& stop) {
                waiting = run_until_stopped(sandbox, second.step(script, overlay), stop);
            });
            waiter.request_stop();
            waiter.join();
            runner.request_stop();
            runner.join();
            return fmt::format("{}, {}", waiting, running);
        });
        CHECK(answer == "interrupted, here\ninterrupted");
    });
}

TEST_CASE("a step whose output nobody can take has ended when that is known") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        const Place first, second;
        const std::string answer = in_child([&] {
            Sandbox sandbox(probe);
            std::string output;
            auto take = [&](std::string_view text) {
                output += text;
                if (text == sign_of_life) throw Error(ErrorKind::io, "no room");
            };
            try {
                sandbox.run(first.step("echo here; exec /bin/busybox sleep 1000", overlay), take, {});
            } catch (const Error& error) {
                output += error.message() + "\n";
            }
            const StepResult result = sandbox.run(second.step("echo next", overlay), take, {});
            return output + fmt::format("{}", result.code);
        });
        CHECK(answer == "here\nno room\nnext\n0");
    });
}

TEST_CASE("a probe leaves its directory as it was and says why it fails") {
    TempDir dir;
    for (Isolation isolation : all_isolations) {
        const Probe found = probe(isolation, dir.path());
        CAPTURE(isolation_name(isolation));
        CHECK(fs::is_empty(dir.path()));
        if (found.works) continue;
        CHECK_FALSE(found.stage.empty());
        CHECK_FALSE(found.cause.empty());
        CHECK_FALSE(found.remedy.empty());
    }
}

TEST_CASE("isolations have names") {
    for (Isolation isolation : all_isolations) CHECK(parse_isolation(isolation_name(isolation)) == isolation);
    CHECK_FALSE(parse_isolation("docker"));
}

namespace {

StepMount bind_mount(const fs::path& directory, const std::string& target) {
    StepMount mount;
    mount.target = target;
    mount.layers = {directory.native()};
    return mount;
}

// Where mounts can be made, with a directory of three files to mount.
void for_each_mounting(const std::function<void(const Probe&, bool overlay, Place&, const fs::path&)>& check) {
    for_each_isolation([&](const Probe& probe, bool overlay) {
        if (probe.isolation == Isolation::chroot) return;
        Place place;
        const fs::path files = place.dir.path() / "files";
        fs::create_directories(files / "sub");
        write_file_atomically(files / "a", "text of a\n");
        write_file_atomically(files / "sub/b", "text of b\n");
        check(probe, overlay, place, files);
    });
}

}  // namespace

TEST_CASE("mounts are there while a step runs, and leave no trace") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        Step step =
            place.step("/bin/busybox cat /made/for/it/a /one; echo x >/made/for/it/new; echo y >/tmp/z", overlay);
        step.mounts = {bind_mount(files, "/made/for/it"), bind_mount(files, "/one")};
        step.mounts[1].path = "sub/b";
        CHECK(run_in(probe, step) == "text of a\ntext of b\n0");
        CHECK(fs::exists(files / "new"));
        const fs::path changed = place.dir.path() / (overlay ? "upper" : "base");
        CHECK(fs::exists(changed / "tmp/z"));
        CHECK_FALSE(fs::exists(changed / "made"));
        CHECK_FALSE(fs::exists(changed / "one"));
    });
}

TEST_CASE("a read-only mount cannot be written to") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        Step step =
            place.step("{ echo x >/m/new; } 2>/dev/null || { echo x >/m/a; } 2>/dev/null || echo refused", overlay);
        step.mounts = {bind_mount(files, "/m")};
        step.mounts[0].read_only = true;
        CHECK(run_in(probe, step) == "refused\n0");
        CHECK_FALSE(fs::exists(files / "new"));
    });
}

TEST_CASE("what is written to a mount of layers goes to the uppermost") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        if (!probe.overlay) return;
        for (const char* name : {"more", "up", "wo", "po"}) fs::create_directory(place.dir.path() / name);
        write_file_atomically(place.dir.path() / "more/c", "text of c\n");
        Step step = place.step("cd /m; /bin/busybox cat a c; echo x >a; /bin/busybox rm c; echo *", overlay);
        StepMount mount = bind_mount(files, "/m");
        mount.layers.insert(mount.layers.begin(), (place.dir.path() / "more").native());
        mount.upper = place.dir.path() / "up";
        mount.work = place.dir.path() / "wo";
        mount.point = place.dir.path() / "po";
        step.mounts = {mount};
        CHECK(run_in(probe, step) == "text of a\ntext of c\na sub\n0");
        CHECK(fs::file_size(files / "a") == 10);
        CHECK(fs::exists(place.dir.path() / "more/c"));
        step.mounts[0].upper.clear();
        step.command.back() = "cd /m; echo *; { echo x >a; } 2>/dev/null || echo refused";
        if (overlay) {
            fs::remove_all(place.dir.path() / "work");
            fs::create_directory(place.dir.path() / "work");
        }
        CHECK(run_in(probe, step) == "a c sub\nrefused\n0");
    });
}

TEST_CASE("files and directories in memory") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path&) {
        Step step = place.step(
            "cd /run/it; /bin/busybox cat secret; /bin/busybox stat -c %a:%u:%g secret; cd /t; "
            "/bin/busybox stat -c %a .; /bin/busybox dd if=/dev/zero of=big bs=1024 count=128 2>/dev/null || "
            "/bin/busybox stat -c %s big; { echo x >/run/it/secret; } 2>/dev/null || echo refused",
            overlay);
        StepMount file, tmpfs;
        file.kind = StepMount::Kind::file;
        file.target = "/run/it/secret";
        file.contents = "value\n";
        file.mode = 0440;
        file.uid = probe.isolation == Isolation::subid ? 0 : 1000;
        file.read_only = true;
        tmpfs.kind = StepMount::Kind::tmpfs;
        tmpfs.target = "/t";
        tmpfs.size = 65536;
        step.mounts = {file, tmpfs};
        CHECK(run_in(probe, step) == fmt::format("value\n440:{}:0\n1777\n65536\nrefused\n0", file.uid));
        const fs::path changed = place.dir.path() / (overlay ? "upper" : "base");
        CHECK_FALSE(fs::exists(changed / "run"));
        CHECK_FALSE(fs::exists(changed / "t"));
    });
}

TEST_CASE("mounts follow the image's links, and can be in one another") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        fs::create_directory_symlink("/tmp/../tmp", place.dir.path() / "base/link");
        fs::create_directory_symlink("/not/there/yet", place.dir.path() / "base/dangling");
        Step step = place.step("/bin/busybox cat /tmp/in/a /not/there/yet/a /tmp/in/deep/er/a; echo /*", overlay);
        step.mounts = {bind_mount(files, "/link/in"), bind_mount(files, "/dangling"),
                       bind_mount(files, "/tmp/in/deep/er")};
        CHECK(run_in(probe, step) ==
              "text of a\ntext of a\ntext of a\n/bin /dangling /dev /link /not /proc /sys /tmp\n0");
        CHECK_FALSE(fs::exists(files / "deep"));
        const fs::path changed = place.dir.path() / (overlay ? "upper" : "base");
        CHECK_FALSE(fs::exists(changed / "not"));
        CHECK_FALSE(fs::exists(changed / "tmp/in"));
    });
}

TEST_CASE("a mount that does not fit what the image has is told") {
    for_each_mounting([](const Probe& probe, bool overlay, Place& place, const fs::path& files) {
        Step step = place.step("echo not reached", overlay);
        step.mounts = {bind_mount(files, "/bin/busybox")};
        CHECK(run_in(probe, step) == "cannot mount on /bin/busybox: Not a directory 126");
        step.mounts = {bind_mount(files, "/bin/busybox/x")};
        CHECK(run_in(probe, step) == "cannot mount on /bin/busybox/x: Not a directory 126");
    });
}

TEST_CASE("with chroot what would be mounted is moved in and back") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        if (probe.isolation != Isolation::chroot) return;
        Place place;
        const fs::path files = place.dir.path() / "files", base = place.dir.path() / "base";
        fs::create_directories(files / "sub");
        write_file_atomically(files / "a", "text of a\n");
        write_file_atomically(base / "tmp/covered", "covered\n");
        Step step = place.step("/bin/busybox cat /tmp/a /made/a; echo *; echo more >/tmp/b; exit 3", overlay);
        for (const char* target : {"/tmp", "/made/a"}) {
            step.mounts.push_back(bind_mount(files, target));
            step.mounts.back().point = place.dir.path() / fmt::format("point{}", step.mounts.size());
            fs::create_directory(step.mounts.back().point);
        }
        fs::create_directory(place.dir.path() / "other");
        write_file_atomically(place.dir.path() / "other/x", "text of x\n");
        step.mounts[1].layers = {(place.dir.path() / "other").native()};
        step.mounts[1].path = "x";
        CHECK(run_in(probe, step) == "text of a\ntext of x\nbin dev made tmp\n3");
        CHECK(fs::exists(files / "b"));
        CHECK(fs::exists(place.dir.path() / "other/x"));
        CHECK(fs::exists(base / "tmp/covered"));
        CHECK_FALSE(fs::exists(base / "tmp/a"));
        CHECK_FALSE(fs::exists(base / "made"));
        step.mounts[1].target = "/bin";
        CHECK(run_in(probe, step) == "cannot mount on /bin: Not a directory 126");
        CHECK(fs::exists(files / "b"));
        CHECK(fs::exists(base / "tmp/covered"));
    });
}

TEST_CASE("limits and the size of shared memory") {
    for_each_isolation([](const Probe& probe, bool overlay) {
        Place place;
        Step step = place.step("ulimit -n; ulimit -Hn", overlay);
        step.limits = {{"nofile", RLIMIT_NOFILE, 100, 200}};
        CHECK(run_in(probe, step) == "100\n200\n0");
        if (probe.isolation == Isolation::chroot) return;
        step.command.back() = "/bin/busybox dd if=/dev/zero of=/dev/shm/x bs=1024 count=128 2>/dev/null || "
                              "/bin/busybox stat -c %s /dev/shm/x";
        step.shm_size = 65536;
        if (overlay) {
            fs::remove_all(place.dir.path() / "work");
            fs::create_directory(place.dir.path() / "work");
        }
        CHECK(run_in(probe, step) == "65536\n0");
    });
}
