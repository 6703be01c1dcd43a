#include "sandbox/step_message.h"

#include <cstdint>
#include <span>

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::sandbox;

TEST_CASE("a step travels whole") {
    Step step;
    step.root = {{"/a", "/b:c"}, "/upper", "/work", "/mnt"};
    step.command = {"/bin/sh", "-c", std::string("a\0b", 3)};
    step.environment = {"A=1", "B="};
    step.directory = "/w";
    step.identity = {1000, 1001, {4, 5}};
    step.network = Network::none;
    step.all_capabilities = true;
    step.files = {{"etc/hosts", "127.0.0.1 localhost\n"}};
    step.scripts = {{"EOF", "#!/bin/sh\n"}};
    step.owners = {{"a/link", {7, 8}}};
    step.cgroup = "/sys/fs/cgroup/x";
    StepMount mount;
    mount.kind = StepMount::Kind::file;
    mount.target = "/run/secrets/x";
    mount.read_only = true;
    mount.layers = {"/l1", "/l2"};
    mount.upper = "/up";
    mount.work = "/wo";
    mount.point = "/po";
    mount.path = "in/it";
    mount.size = 12;
    mount.contents = "c";
    mount.mode = 0400;
    mount.uid = 1;
    mount.gid = 2;
    step.mounts = {mount, {}};
    step.limits = {{"nofile", 7, 100, ResourceLimit::unlimited}};
    step.shm_size = 4096;
    const Step back = decode_step(encode(step));
    CHECK(back.root.layers == step.root.layers);
    CHECK(back.root.upper == "/upper");
    CHECK(back.root.work == "/work");
    CHECK(back.root.directory == "/mnt");
    CHECK(back.command == step.command);
    CHECK(back.environment == step.environment);
    CHECK(back.directory == "/w");
    CHECK(back.identity.uid == 1000);
    CHECK(back.identity.gid == 1001);
    CHECK(back.identity.groups == std::vector<uint32_t>{4, 5});
    CHECK(back.hostname == "gbuild");
    CHECK(back.network == Network::none);
    CHECK(back.all_capabilities);
    REQUIRE(back.files.size() == 1);
    CHECK(back.files[0].contents == "127.0.0.1 localhost\n");
    REQUIRE(back.scripts.size() == 1);
    CHECK(back.scripts[0].path == "EOF");
    REQUIRE(back.owners.size() == 1);
    CHECK(back.owners[0].owner == RecordedOwner{7, 8});
    CHECK(back.cgroup == "/sys/fs/cgroup/x");
    REQUIRE(back.mounts.size() == 2);
    CHECK(back.mounts[0].kind == StepMount::Kind::file);
    CHECK(back.mounts[0].target == "/run/secrets/x");
    CHECK(back.mounts[0].read_only);
    CHECK(back.mounts[0].layers == mount.layers);
    CHECK(back.mounts[0].upper == "/up");
    CHECK(back.mounts[0].work == "/wo");
    CHECK(back.mounts[0].point == "/po");
    CHECK(back.mounts[0].path == "in/it");
    CHECK(back.mounts[0].size == 12u);
    CHECK(back.mounts[0].contents == "c");
    CHECK(back.mounts[0].mode == 0400);
    CHECK(back.mounts[0].uid == 1);
    CHECK(back.mounts[0].gid == 2);
    CHECK_FALSE(back.mounts[1].size);
    REQUIRE(back.limits.size() == 1);
    CHECK(back.limits[0].name == "nofile");
    CHECK(back.limits[0].resource == 7);
    CHECK(back.limits[0].soft == 100);
    CHECK(back.limits[0].hard == ResourceLimit::unlimited);
    CHECK(back.shm_size == 4096u);
}

TEST_CASE("a report travels whole") {
    StepReport report;
    report.failed_stage = "mount(overlay)";
    report.error_number = 22;
    report.result.end = StepResult::End::killed;
    report.result.code = 9;
    report.result.problem = "why";
    report.result.owners.nodes = {{{12345678901, -5, 999}, {1, 2}}};
    report.result.owners.paths = {{"a/link", {3, 4}}};
    const StepReport back = decode_report(encode(report));
    CHECK(back.failed_stage == "mount(overlay)");
    CHECK(back.error_number == 22);
    CHECK(back.result.end == StepResult::End::killed);
    CHECK(back.result.code == 9);
    CHECK(back.result.problem == "why");
    CHECK(back.result.owners.nodes == report.result.owners.nodes);
    REQUIRE(back.result.owners.paths.size() == 1);
    CHECK(back.result.owners.paths[0].path == "a/link");
}

TEST_CASE("a message that is cut short is an error") {
    Step step;
    step.command = {"x"};
    const auto bytes = encode(step);
    for (size_t length = 0; length < bytes.size(); length++) {
        CHECK_THROWS_AS(decode_step(std::span(bytes).first(length)), Error);
    }
}
