// What instructions do to the configuration.
#include "planning.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::plan;

namespace {

oci::ContainerConfig on_base(const oci::ContainerConfig& base, const std::string& lines) {
    Planning planning;
    planning.configs["base"].config = base;
    return planning.plan("FROM base\n" + lines).stages.back().config();
}

}  // namespace

TEST_CASE("a base's configuration is inherited") {
    oci::ContainerConfig base;
    base.user = "app";
    base.working_dir = "/srv";
    base.cmd = Strings{"a"};
    base.entrypoint = Strings{"b"};
    base.volumes = {"/v"};
    base.labels = {{"k", "v"}};
    base.env = {"PATH=/p", "X=1"};
    base.exposed_ports = {"80/tcp"};
    REQUIRE(on_base(base, "") == base);
}

TEST_CASE("every image gets a PATH, and none loses its own") {
    CHECK(on_base({}, "").env == Strings{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"});
    oci::ContainerConfig base;
    base.env = {"A=b", "PATH=/p"};
    CHECK(on_base(base, "").env == base.env);
}

TEST_CASE("each step holds the configuration after it") {
    auto plan = plan_of("FROM scratch\nUSER a\nUSER b\n");
    REQUIRE(plan.stages[0].steps[0].config.user == "a");
    REQUIRE(plan.stages[0].steps[1].config.user == "b");
}

TEST_CASE("a shell command gets the shell in front") {
    CHECK(config_of("CMD echo  $HOME\n").cmd == Strings{"/bin/sh", "-c", "echo  $HOME"});
    CHECK(config_of("ENTRYPOINT a b\n").entrypoint == Strings{"/bin/sh", "-c", "a b"});
}

TEST_CASE("an exec command is as written") {
    CHECK(config_of("CMD [\"a\", \"$b\"]\n").cmd == Strings{"a", "$b"});
    CHECK(config_of("ENTRYPOINT [\"a\"]\n").entrypoint == Strings{"a"});
}

TEST_CASE("SHELL changes the shell of what follows") {
    auto config = config_of("ENTRYPOINT a\nSHELL [\"/bin/bash\", \"-ec\"]\nCMD b\n");
    CHECK(config.entrypoint == Strings{"/bin/sh", "-c", "a"});
    CHECK(config.cmd == Strings{"/bin/bash", "-ec", "b"});
    CHECK(config.shell == Strings{"/bin/bash", "-ec"});
}

TEST_CASE("a base's SHELL counts") {
    oci::ContainerConfig base;
    base.shell = Strings{"/bin/ash", "-c"};
    REQUIRE(on_base(base, "CMD a\n").cmd == Strings{"/bin/ash", "-c", "a"});
}

TEST_CASE("an empty command is kept as empty") {
    CHECK(config_of("CMD []\n").cmd == Strings{});
    CHECK(config_of("ENTRYPOINT []\n").entrypoint == Strings{});
}

TEST_CASE("ENTRYPOINT takes the base's CMD away") {
    oci::ContainerConfig base;
    base.cmd = Strings{"x"};
    CHECK_FALSE(on_base(base, "ENTRYPOINT [\"a\"]\n").cmd.has_value());
    CHECK(on_base(base, "CMD [\"y\"]\nENTRYPOINT [\"a\"]\n").cmd == Strings{"y"});
    CHECK(on_base(base, "ENTRYPOINT [\"a\"]\nCMD [\"y\"]\n").cmd == Strings{"y"});
}

TEST_CASE("ENTRYPOINT takes the CMD of the stage below away") {
    auto plan = plan_of("FROM scratch AS a\nCMD [\"x\"]\nFROM a\nENTRYPOINT [\"b\"]\n");
    REQUIRE_FALSE(plan.stages[1].config().cmd.has_value());
    REQUIRE(plan.stages[0].config().cmd == Strings{"x"});
}

TEST_CASE("WORKDIR is relative to the last one") {
    CHECK(config_of("WORKDIR /a\nWORKDIR b\nWORKDIR c/../d/\n").working_dir == "/a/b/d");
    CHECK(config_of("WORKDIR /a\nWORKDIR ../../..\n").working_dir == "/");
    CHECK(config_of("WORKDIR a//./b\n").working_dir == "/a/b");
    oci::ContainerConfig base;
    base.working_dir = "/srv";
    CHECK(on_base(base, "WORKDIR x\n").working_dir == "/srv/x");
}

TEST_CASE("WORKDIR expands variables and makes a step") {
    auto step = last_step("ENV d=/x\nWORKDIR $d/y z\n");
    REQUIRE(std::get<WorkdirStep>(step.action).path == "/x/y z");
    REQUIRE(step.expanded == "WORKDIR /x/y z");
}

TEST_CASE("a first WORKDIR that is relative is a warning") {
    auto plan = plan_of("FROM scratch\nWORKDIR a\nWORKDIR b\n");
    REQUIRE(ids(plan.warnings) == Strings{"workdir-relative"});
    REQUIRE(plan.warnings[0].hint == "write WORKDIR /a");
    REQUIRE(plan_of("FROM scratch\nWORKDIR /a\nWORKDIR b\n").warnings.empty());
}

TEST_CASE("what must not be empty after expansion") {
    CHECK(failure_of("USER ${x:-}\n").message == "USER is empty after expansion");
    CHECK(failure_of("VOLUME /a ${x:-}\n").message == "a path of VOLUME is empty after expansion");
    CHECK(failure_of("VOLUME /a ${x:-}\n").marked == "${x:-}");
    CHECK(failure_of("LABEL ${x:-}=1\n").message == "a name in LABEL is empty after expansion");
}

TEST_CASE("a WORKDIR that is empty after expansion changes nothing (L-6)") {
    CHECK(config_of("WORKDIR /a\nWORKDIR $undef\n").working_dir == "/a");
    CHECK(config_of("ENV e=\nWORKDIR /a\nWORKDIR \"$e\"\nWORKDIR b\n").working_dir == "/a/b");
    CHECK(config_of("WORKDIR ${x:-}\n").working_dir == "/");
    CHECK(std::get<WorkdirStep>(last_step("WORKDIR /a\nWORKDIR $undef\n").action).path == "/a");
    CHECK(config_of("EXPOSE $undef\n").exposed_ports.empty());
    CHECK(config_of("LABEL a=$undef\n").labels.at("a").empty());
}

TEST_CASE("EXPOSE takes no host (L-17)") {
    for (const char* port : {"localhost:1:1", "example.org:80", "127.0.0.1:x:80", "256.0.0.1:80:80", "a:80", ":x:1",
                             "1:2:3:80", "[::1:80:80", "8090-8080:80"}) {
        CAPTURE(port);
        const auto error = failure_of(std::string("EXPOSE ") + port + "\n");
        CHECK_THAT(error.message, ContainsSubstring("is not a port"));
        CHECK(error.marked == port);
    }
    for (const char* port :
         {"127.0.0.1:80:80", "127.0.0.1::80", "8080:80", "[::1]:80:80", "::1:80:80", "8080-8090:80"}) {
        CAPTURE(port);
        CHECK(config_of(std::string("EXPOSE ") + port + "\n").exposed_ports == std::set<std::string>{"80/tcp"});
    }
}

TEST_CASE("CMD and ENTRYPOINT with nothing reset what the base has (L-15)") {
    Planning planning;
    planning.configs["b"].config.cmd = Strings{"c"};
    planning.configs["b"].config.entrypoint = Strings{"e"};
    for (const char* end : {"", " []"}) {
        const auto cmd = planning.plan("FROM b\nCMD" + std::string(end) + "\n").stages[0].config();
        CHECK(cmd.cmd.value_or(Strings()).empty());
        CHECK(cmd.entrypoint == Strings{"e"});
        const auto entrypoint = planning.plan("FROM b\nENTRYPOINT" + std::string(end) + "\n").stages[0].config();
        CHECK(entrypoint.entrypoint.value_or(Strings()).empty());
        CHECK(entrypoint.cmd.value_or(Strings()).empty());
    }
}

TEST_CASE("USER has one colon at most") {
    auto error = failure_of("ENV g=b:c\nUSER a:$g\n");
    CHECK(error.kind == ErrorKind::dockerfile);
    CHECK(error.message == "\"a:b:c\" is no user");
    CHECK(error.hint == "give USER or USER:GROUP");
    CHECK(error.marked == "a:$g");
}

TEST_CASE("USER expands variables") { CHECK(config_of("ENV u=app\nUSER $u:staff\n").user == "app:staff"); }

TEST_CASE("VOLUME adds to the volumes") {
    oci::ContainerConfig base;
    base.volumes = {"/v"};
    CHECK(on_base(base, "VOLUME /golem/input /golem/output\nVOLUME [\"/a b\", \"/z$X\"]\nENV X=y\nVOLUME /$X\n")
              .volumes == std::set<std::string>{"/v", "/golem/input", "/golem/output", "/a b", "/z", "/y"});
}

TEST_CASE("VOLUME takes absolute paths below the root") {
    auto relative = failure_of("WORKDIR /w\nVOLUME /a data\n");
    CHECK(relative.message == "the volume \"data\" is not an absolute path");
    CHECK(relative.hint == "write VOLUME /w/data");
    CHECK(relative.marked == "data");
    CHECK(failure_of("VOLUME /a/..\n").message == "the root of the image cannot be a volume");
}

TEST_CASE("places are those of the target's last words") {
    auto plan = plan_of("FROM scratch AS a\nUSER x\nVOLUME /v\nFROM scratch AS b\nUSER y\nFROM a\nCOPY --from=b x /\n"
                        "VOLUME /w /v\n");
    CHECK(place_of(plan, "USER").value().line == 2);
    CHECK(place_of(plan, "VOLUME").value().line == 8);
    CHECK(place_of_volume(plan, "/v").value().line == 3);
    CHECK(place_of_volume(plan, "/w").value().line == 8);
    CHECK_FALSE(place_of_volume(plan, "/x"));
    CHECK_FALSE(place_of(plan, "CMD"));
}

TEST_CASE("ports get a protocol") {
    CHECK(config_of("EXPOSE 80 53/udp 443/TCP 9/sctp 7/\n").exposed_ports ==
          std::set<std::string>{"80/tcp", "53/udp", "443/tcp", "9/sctp", "7/tcp"});
}

TEST_CASE("a range of ports is each of them") {
    CHECK(config_of("EXPOSE 8000-8002/udp\n").exposed_ports ==
          std::set<std::string>{"8000/udp", "8001/udp", "8002/udp"});
    CHECK(config_of("EXPOSE 0-65535\n").exposed_ports.size() == 65536);
}

TEST_CASE("ranges of ports may overlap") {
    CHECK(config_of("EXPOSE 5-7 6 3-5 5-6/udp 10 7/udp 1-8 9\n").exposed_ports ==
          std::set<std::string>{"1/tcp", "2/tcp", "3/tcp", "4/tcp", "5/tcp", "6/tcp", "7/tcp", "8/tcp", "9/tcp",
                                "10/tcp", "5/udp", "6/udp", "7/udp"});
}

TEST_CASE("EXPOSE splits what a variable holds") {
    CHECK(config_of("ENV p=\"80 81\"\nEXPOSE $p\n").exposed_ports == std::set<std::string>{"80/tcp", "81/tcp"});
}

TEST_CASE("a host's port has no effect") {
    auto plan = plan_of("FROM scratch\nEXPOSE 127.0.0.1:8080:80\n");
    REQUIRE(plan.stages[0].config().exposed_ports == std::set<std::string>{"80/tcp"});
    REQUIRE(ids(plan.warnings) == Strings{"expose-host-port"});
    REQUIRE(plan.warnings[0].hint == "write EXPOSE 80");
}

TEST_CASE("bad ports") {
    CHECK(failure_of("EXPOSE 80/tpc\n").message == "\"tpc\" is no protocol of a port");
    CHECK(failure_of("EXPOSE 80/tpc\n").hint == "did you mean tcp?");
    CHECK(failure_of("EXPOSE 80/tpc\n").marked == "80/tpc");
    for (const char* port : {"65536", "x", "2-1", "1-", "-1", "99999999999999999999", "/tcp", "1-2-3"}) {
        CHECK_THAT(failure_of(std::string("EXPOSE ") + port + "\n").message, ContainsSubstring("is no port"));
    }
}

TEST_CASE("LABEL sets and replaces") {
    CHECK(config_of("ENV v=1\nLABEL a=$v \"b c\"=\"d e\" a=2\nLABEL old form here\n").labels ==
          std::map<std::string, std::string>{{"a", "2"}, {"b c", "d e"}, {"old", "form here"}});
}

TEST_CASE("labels of the command line win, and are the target's only") {
    Planning planning;
    planning.request.labels = {{"a", "cli"}};
    auto plan = planning.plan("FROM scratch AS x\nLABEL a=1\nFROM x\nLABEL b=2\n");
    CHECK(plan.stages[1].config().labels == std::map<std::string, std::string>{{"a", "cli"}, {"b", "2"}});
    CHECK(plan.stages[0].config().labels.at("a") == "1");
}

TEST_CASE("labels of the command line reach a stage without steps") {
    Planning planning;
    planning.request.labels = {{"a", "cli"}};
    CHECK(planning.plan("FROM debian\n").stages[0].config().labels.at("a") == "cli");
}

TEST_CASE("STOPSIGNAL takes names and numbers") {
    for (const char* signal : {"SIGTERM", "term", "9", "64", "RTMIN+3", "SIGRTMAX-1", "SIGRTMIN"}) {
        CHECK(config_of(std::string("STOPSIGNAL ") + signal + "\n").stop_signal == signal);
    }
}

TEST_CASE("STOPSIGNAL refuses what is no signal") {
    for (const char* signal : {"SIGNOPE", "0", "65", "-9", "RTMIN-1", "RTMAX+1", "RTMIN+99"}) {
        auto error = failure_of(std::string("STOPSIGNAL ") + signal + "\n");
        CHECK_THAT(error.message, ContainsSubstring("is no signal"));
        CHECK(error.marked == signal);
    }
}

TEST_CASE("HEALTHCHECK in its forms") {
    auto check =
        config_of("HEALTHCHECK --interval=1m --timeout=2s --start-period=3ms --start-interval=4s --retries=5 CMD a b\n")
            .healthcheck.value();
    CHECK(check.test == Strings{"CMD-SHELL", "a b"});
    CHECK(check.interval == 60'000'000'000);
    CHECK(check.timeout == 2'000'000'000);
    CHECK(check.start_period == 3'000'000);
    CHECK(check.start_interval == 4'000'000'000);
    CHECK(check.retries == 5);
    CHECK(config_of("HEALTHCHECK CMD [\"a\", \"b\"]\n").healthcheck->test == Strings{"CMD", "a", "b"});
    CHECK(config_of("HEALTHCHECK NONE\n").healthcheck->test == Strings{"NONE"});
}

TEST_CASE("a new HEALTHCHECK replaces the base's whole") {
    oci::ContainerConfig base;
    base.healthcheck = oci::Healthcheck{{"CMD", "x"}, 1, 2, 3, 4, 5};
    auto check = on_base(base, "HEALTHCHECK CMD [\"a\"]\n").healthcheck.value();
    CHECK(check.interval == 0);
    CHECK(check.retries == 0);
}

TEST_CASE("MAINTAINER is the author and nothing in the configuration") {
    auto plan = plan_of("FROM scratch\nMAINTAINER Me <me@x>\n");
    CHECK(plan.stages[0].author == "Me <me@x>");
    CHECK(plan.stages[0].config().labels.empty());
}

TEST_CASE("the author is inherited") {
    Planning planning;
    planning.configs["b"].author = "they";
    CHECK(planning.plan("FROM b AS x\nFROM x\n").stages[1].author == "they");
    CHECK(plan_of("FROM scratch AS x\nMAINTAINER me\nFROM x\n").stages[1].author == "me");
}

TEST_CASE("ONBUILD is stored, heredoc included") {
    CHECK(config_of("ONBUILD RUN a\nONBUILD COPY <<E /x\nhi\nE\n").on_build == Strings{"RUN a", "COPY <<E /x\nhi\nE"});
}

TEST_CASE("RUN holds its command, flags and heredocs") {
    auto run = std::get<RunStep>(
        last_step("SHELL [\"/bin/bash\", \"-c\"]\n"
                  "RUN --mount=type=cache,target=/c --network=none --security=insecure cat <<E\n$x\nE\n")
            .action);
    CHECK(run.args == Strings{"/bin/bash", "-c", "cat <<E"});
    CHECK(run.shell_form);
    CHECK(run.heredocs[0].contents == "$x\n");
    REQUIRE(run.mounts.size() == 1);
    CHECK(run.mounts[0].target == "/c");
    CHECK(run.network == "none");
    CHECK(run.security == "insecure");
}

TEST_CASE("RUN in exec form has no shell") {
    auto run = std::get<RunStep>(last_step("RUN [\"a\", \"b\"]\n").action);
    CHECK(run.args == Strings{"a", "b"});
    CHECK_FALSE(run.shell_form);
}
