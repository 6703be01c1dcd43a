// What RUN --mount is planned as.
#include "gbuild/plan/render.h"
#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;
using dockerfile::MountSharing;
using dockerfile::MountType;

namespace {

RunStep run_of(const std::string& lines) { return std::get<RunStep>(last_step(lines).action); }
RunMount mount_of(const std::string& value, const std::string& before = "") {
    return run_of(before + "RUN --mount=" + value + " true\n").mounts.at(0);
}

}  // namespace

TEST_CASE("a bind mount shows the build context, read-only, unless told otherwise") {
    const RunMount mount = mount_of("target=/src");
    CHECK(mount.type == MountType::bind);
    REQUIRE(mount.from);
    CHECK(std::holds_alternative<ContextSource>(*mount.from));
    CHECK(mount.path == "/");
    CHECK(mount.target == "/src");
    CHECK(mount.read_only);
    CHECK_FALSE(mount_of("target=/src,rw").read_only);
    CHECK(mount_of("target=/src,source=a/../b/").path == "/b");
}

TEST_CASE("targets are relative to the working directory") {
    CHECK(mount_of("target=src", "WORKDIR /work\n").target == "/work/src");
    CHECK(mount_of("target=.", "WORKDIR /work\n").target == "/work");
    CHECK(mount_of("type=cache,target=../c", "WORKDIR /a/b\n").target == "/a/c");
    CHECK(mount_of("type=secret,id=x,target=keys/x", "WORKDIR /work\n").target == "/work/keys/x");
}

TEST_CASE("variables in mounts are expanded, but not in from") {
    const RunMount mount =
        mount_of("type=$T,target=/c/$D,id=${I:-x},uid=$U,mode=0$M,sharing=locked", "ARG T=cache D=d U=7 M=711\n");
    CHECK(mount.type == MountType::cache);
    CHECK(mount.target == "/c/d");
    CHECK(mount.id == "x");
    CHECK(mount.uid == 7);
    CHECK(mount.mode == 0711);
    CHECK(mount.sharing == MountSharing::locked);
    const Failure failure = failure_of("ARG A=b\nRUN --mount=from=$A,target=/x true\n");
    CHECK(failure.message == "from in --mount does not expand variables");
    CHECK(failure.line == 3);
}

TEST_CASE("what variables stand for is checked where the mount is") {
    const Failure failure = failure_of("ARG U=many\nRUN --mount=type=cache,target=/c,uid=$U true\n");
    CHECK(failure.kind == ErrorKind::dockerfile);
    CHECK(failure.message == "uid in --mount cannot be \"many\"");
    CHECK(failure.marked == "--mount=type=cache,target=/c,uid=$U");
    CHECK(failure_of("ARG T=/\nRUN --mount=target=$T true\n").message == "a mount cannot cover the root directory");
    CHECK(failure_of("RUN --mount=target=. true\n").message == "a mount cannot cover the root directory");
    CHECK(failure_of("ARG T=tmpfs\nRUN --mount=type=$T,target=/t,env=x true\n").message ==
          "a tmpfs mount does not take env");
}

TEST_CASE("a cache is known by its target, and by its id when it has one") {
    const RunMount mount = mount_of("type=cache,target=c", "WORKDIR /w\n");
    CHECK(mount.id == "/w/c");
    CHECK(mount.mode == 0755);
    CHECK_FALSE(mount.read_only);
    CHECK_FALSE(mount.from);
    CHECK(mount_of("type=cache,target=/c,id=go").id == "go");
    CHECK(mount_of("type=cache,target=/c,ro").read_only);
}

TEST_CASE("a secret is a file in /run/secrets, or where it is said, or a variable") {
    const RunMount plain = mount_of("type=secret,id=token");
    CHECK(plain.target == "/run/secrets/token");
    CHECK(plain.mode == 0400);
    CHECK_FALSE(plain.required);
    CHECK(mount_of("type=secret,id=a/b").target == "/run/secrets/b");
    CHECK(mount_of("type=secret,target=/etc/key").id == "key");
    CHECK(mount_of("type=secret,source=old").id == "old");
    const RunMount variable = mount_of("type=secret,id=token,env=TOKEN");
    CHECK(variable.env == "TOKEN");
    CHECK(variable.target.empty());
    CHECK(mount_of("type=secret,id=token,env=TOKEN,target=/t").target == "/t");
    CHECK(mount_of("type=secret,id=t,required,mode=0440,uid=1,gid=2").gid == 2);
}

TEST_CASE("sockets are numbered") {
    const RunStep run = run_of("RUN --mount=type=ssh --mount=type=ssh,id=two --mount=type=ssh,target=/s true\n");
    REQUIRE(run.mounts.size() == 3);
    CHECK(run.mounts[0].id == "default");
    CHECK(run.mounts[0].target == "/run/buildkit/ssh_agent.0");
    CHECK(run.mounts[0].mode == 0600);
    CHECK(run.mounts[1].id == "two");
    CHECK(run.mounts[1].target == "/run/buildkit/ssh_agent.1");
    CHECK(run.mounts[2].target == "/s");
}

TEST_CASE("stages that mounts are from are needed, and numbered as the plan has them") {
    const Plan plan = plan_of("FROM scratch AS unused\nFROM scratch AS a\nFROM img AS b\n"
                              "RUN --mount=from=a,source=/x,target=/x --mount=type=cache,from=other,target=/c true\n");
    REQUIRE(plan.stages.size() == 2);
    CHECK(plan.skipped == Strings{"unused"});
    const auto& run = std::get<RunStep>(plan.stages[1].steps[0].action);
    CHECK(std::get<StageBase>(*run.mounts[0].from).stage == 0);
    CHECK(std::get<ImageBase>(*run.mounts[1].from).reference == "other");
}

TEST_CASE("a plan shows its mounts") {
    const std::string file =
        "FROM scratch AS a\nFROM img\n"
        "RUN --mount=from=a,source=out,target=/in --mount=type=cache,target=/c,sharing=locked "
        "--mount=type=tmpfs,target=/t,size=1m --mount=type=secret,id=s,env=S --mount=type=ssh true\n";
    const std::string text = to_text(plan_of(file));
    for (const char* line : {"bind (read only): stage a, /out -> /in", "cache: /c (locked) -> /c", "tmpfs: /t",
                             "secret: s -> $S", "ssh: default -> /run/buildkit/ssh_agent.0"}) {
        CHECK(text.find(std::string("\n         ") + line + "\n") != std::string::npos);
    }
    const std::string json = to_json(plan_of(file));
    CHECK(json.find("\"sharing\": \"locked\"") != std::string::npos);
    CHECK(json.find("\"size\": 1048576") != std::string::npos);
    CHECK(json.find("\"mode\": \"0400\"") != std::string::npos);
}

TEST_CASE("a RUN has not more mounts than anybody needs") {
    std::string lines = "RUN";
    for (int i = 0; i < 101; i++) lines += " --mount=type=tmpfs,target=/t" + std::to_string(i);
    CHECK(failure_of(lines + " true\n").kind == ErrorKind::limit);
}
