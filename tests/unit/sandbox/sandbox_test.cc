#include "gbuild/sandbox/sandbox.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "gbuild/base/atomic_file.h"
#include "place.h"

using namespace gbuild;
using namespace gbuild::sandbox;
using namespace gbuild::test;
namespace fs = std::filesystem;

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
