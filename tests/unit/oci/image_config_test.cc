#include "gbuild/oci/image_config.h"

#include <algorithm>

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Digest;
using gbuild::Error;
using gbuild::oci::ContainerConfig;
using gbuild::oci::ImageConfig;
using gbuild::oci::parse_image_config;
using gbuild::oci::to_json;

namespace {

// A configuration with `config` as its "config" member.
ContainerConfig container(const std::string& config) {
    return parse_image_config(
               R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":)" + config +
               "}")
        .config;
}

ImageConfig with(const std::string& members) {
    return parse_image_config(R"({"architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},)" + members + "}");
}

}  // namespace

TEST_CASE("a docker configuration is read with all its members") {
    ImageConfig image = parse_image_config(R"({
        "architecture": "arm64", "variant": "v8", "os": "linux", "created": "2024-05-01T12:00:00.5Z", "author": "me",
        "docker_version": "20.10", "container_config": {"Cmd": 7}, "history": [{"created_by": "x"}],
        "config": {
            "Hostname": "", "Domainname": "", "User": "app:app", "AttachStdin": false, "Tty": false,
            "ExposedPorts": {"80/tcp": {}}, "Env": ["PATH=/bin", "A=b=c"], "Cmd": ["sh", "-c", "x"],
            "Image": "sha256:1", "Volumes": {"/data": {}, "/b": null}, "WorkingDir": "/w", "Entrypoint": null,
            "OnBuild": ["RUN x"], "Labels": {"k": "v", "n": null}, "StopSignal": "SIGINT", "StopTimeout": 5,
            "Shell": ["/bin/bash", "-c"], "ArgsEscaped": true,
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1, "Timeout": 2, "StartPeriod": 3,
                            "StartInterval": 4, "Retries": 5}
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}
    })");
    CHECK(image.platform == gbuild::oci::Platform{"linux", "arm64", "v8"});
    CHECK(image.created == 1714564800);
    CHECK(image.author == "me");
    CHECK(image.diff_ids.size() == 1);
    const ContainerConfig& config = image.config;
    CHECK(config.user == "app:app");
    CHECK(config.exposed_ports == std::set<std::string>{"80/tcp"});
    CHECK(config.env == std::vector<std::string>{"PATH=/bin", "A=b=c"});
    CHECK(config.cmd == std::vector<std::string>{"sh", "-c", "x"});
    CHECK_FALSE(config.entrypoint);
    CHECK(config.volumes == std::set<std::string>{"/b", "/data"});
    CHECK(config.working_dir == "/w");
    CHECK(config.labels == std::map<std::string, std::string>{{"k", "v"}, {"n", ""}});
    CHECK(config.stop_signal == "SIGINT");
    CHECK(config.stop_timeout == 5);
    CHECK(config.on_build == std::vector<std::string>{"RUN x"});
    CHECK(config.shell == std::vector<std::string>{"/bin/bash", "-c"});
    CHECK(config.args_escaped);
    REQUIRE(config.healthcheck);
    CHECK(config.healthcheck->test == std::vector<std::string>{"CMD", "true"});
    CHECK(config.healthcheck->start_interval == 4);
    CHECK(config.healthcheck->retries == 5);
}

TEST_CASE("nulls stand for absent members") {
    ContainerConfig config = container(R"({"User":null,"ExposedPorts":null,"Env":null,"Cmd":null,"Volumes":null,
        "WorkingDir":null,"Entrypoint":null,"OnBuild":null,"Labels":null,"Healthcheck":null,"Shell":null,
        "StopTimeout":null,"StopSignal":null,"ArgsEscaped":null})");
    CHECK(config == ContainerConfig());
    CHECK(container("null") == ContainerConfig());
}

TEST_CASE("an empty command differs from an absent one") {
    ContainerConfig config = container(R"({"Entrypoint":[]})");
    REQUIRE(config.entrypoint);
    CHECK(config.entrypoint->empty());
    CHECK_FALSE(config.cmd);
}

TEST_CASE("a command that is a lone string is a list of one") {
    CHECK(container(R"({"Cmd":"/bin/sh"})").cmd == std::vector<std::string>{"/bin/sh"});
}

TEST_CASE("a variable that is set twice has its last value in its first place") {
    CHECK(container(R"({"Env":["A=1","B=2","A=3"]})").env == std::vector<std::string>{"A=3", "B=2"});
}

TEST_CASE("a variable without a value is empty, one without a name left out, and both are told (S-17)") {
    ImageConfig image = with(R"("config":{"Env":["A","B=1","=x","","C=2",null,["D=1"],7,"E\u0000=1","=C:=C:\\"]})");
    CHECK(image.config.env == std::vector<std::string>{"A=", "B=1", "C=2", "7="});
    CHECK(image.repairs == std::vector<std::string>{
                               R"(config.Env[0] ("A") has no value; setting it to the empty string)",
                               R"(config.Env[2] ("=x") has no variable name; ignoring it)",
                               R"(config.Env[3] ("") has no variable name; ignoring it)",
                               R"(config.Env[5] (null) has no variable name; ignoring it)",
                               R"(config.Env[6] is array (["D=1"]) and not a string; ignoring it)",
                               R"(config.Env[7] is number (7) and not a string; reading it as one)",
                               R"(config.Env[7] (7) has no value; setting it to the empty string)",
                               R"(config.Env[8] contains a NUL; ignoring it)",
                               R"(config.Env[9] ("=C:=C:\\") has no variable name; ignoring it)",
                           });
}

TEST_CASE("what is malformed is repaired where its meaning is plain (S-17)") {
    ImageConfig image = with(R"("config":{"StopTimeout":10.0,"Cmd":["sleep",10],"Volumes":["/a"],"ExposedPorts":80,
        "OnBuild":"RUN x","Labels":{"n":1,"t":true},"User":1000,
        "Healthcheck":{"Test":"/bin/check","Interval":3e9,"Retries":"3"}})");
    CHECK(image.config.stop_timeout == 10);
    CHECK(image.config.cmd == std::vector<std::string>{"sleep", "10"});
    CHECK(image.config.volumes == std::set<std::string>{"/a"});
    CHECK(image.config.exposed_ports == std::set<std::string>{"80"});
    CHECK(image.config.on_build == std::vector<std::string>{"RUN x"});
    CHECK(image.config.labels == std::map<std::string, std::string>{{"n", "1"}, {"t", "true"}});
    CHECK(image.config.user == "1000");
    REQUIRE(image.config.healthcheck);
    CHECK(image.config.healthcheck->test == std::vector<std::string>{"/bin/check"});
    CHECK(image.config.healthcheck->interval == 3'000'000'000);
    CHECK(image.config.healthcheck->retries == 3);
    CHECK(std::count(image.repairs.begin(), image.repairs.end(),
                     "config.StopTimeout is written as 10.0; reading it as 10") == 1);
}

TEST_CASE("what cannot be repaired is left out, and told by its place (S-17)") {
    auto [config, place] = GENERATE(table<std::string, std::string>({
        {R"({"Env":"A=1"})", "config.Env is string"},
        {R"({"Cmd":["a",{}]})", "config.Cmd[1] is object"},
        {R"({"Entrypoint":{"a":1}})", "config.Entrypoint is object"},
        {R"({"Cmd":"a\u0000"})", "config.Cmd contains a NUL"},
        {R"({"WorkingDir":"/a\u0000b"})", "config.WorkingDir contains a NUL"},
        {R"({"WorkingDir":[]})", "config.WorkingDir is array"},
        {R"({"StopTimeout":10.5})", "config.StopTimeout is number (10.5)"},
        {R"({"StopTimeout":1e300})", "config.StopTimeout is number"},
        {R"({"StopTimeout":18446744073709551615})", "config.StopTimeout is number"},
        {R"({"StopTimeout":"soon"})", "config.StopTimeout is string"},
        {R"({"Healthcheck":[]})", "config.Healthcheck is array"},
        {R"({"Labels":["a=b"]})", "config.Labels is array"},
        {R"({"ArgsEscaped":"yes"})", "config.ArgsEscaped is string"},
    }));
    ImageConfig image = with("\"config\":" + config);
    CHECK(image.config == ContainerConfig());
    REQUIRE(image.repairs.size() == 1);
    CHECK_THAT(image.repairs[0], ContainsSubstring(place));
    CHECK_THAT(image.repairs[0], ContainsSubstring("; ignoring it"));
}

TEST_CASE("a user that cannot be read is refused, since without it the image would run as root (S-17)") {
    auto user = GENERATE(as<std::string>(), "[1]", "{}", "1.5", "true", "\"a\\u0000b\"");
    REQUIRE_THROWS_WITH(container("{\"User\":" + user + "}"), ContainsSubstring("image configuration: config.User: "));
    REQUIRE_THROWS_WITH(container("[]"), "image configuration: config: must be an object, not array");
}

TEST_CASE("repairs beyond ten are counted (S-17)") {
    std::string list = "\"=0\"";
    for (int i = 1; i < 25; i++) list += ",\"=x\"";
    auto repairs = with("\"config\":{\"Env\":[" + list + "]}").repairs;
    REQUIRE(repairs.size() == 11);
    CHECK(repairs.back() == "and 15 more like these");
}

TEST_CASE("a sound configuration needs no repairs (S-17)") {
    CHECK(with(R"("config":{"Env":["A=1"],"Cmd":null,"Labels":{"n":null},"StopTimeout":1})").repairs.empty());
}

TEST_CASE("docker's zero time means that no time is known") {
    CHECK_FALSE(with(R"("created":"0001-01-01T00:00:00Z")").created);
    CHECK_FALSE(with(R"("created":null)").created);
    CHECK_FALSE(with(R"("created":"")").created);
    auto time = GENERATE(as<std::string>(), "\"yesterday\"", "1714564800", "[]");
    ImageConfig image = with("\"created\":" + time);
    CHECK_FALSE(image.created);
    CHECK(image.repairs == std::vector<std::string>{"created is not a time of RFC 3339; ignoring it"});
}

TEST_CASE("null lists and objects are empty ones (S-4)") {
    auto rootfs = GENERATE(as<std::string>(), "null", "{}", R"({"type":"","diff_ids":null})",
                           R"({"type":null,"diff_ids":null})", R"({"type":"layers","diff_ids":[]})");
    CHECK(parse_image_config(R"({"architecture":"amd64","os":"linux","config":null,"history":null,"rootfs":)" + rootfs +
                             "}")
              .diff_ids.empty());
    CHECK(parse_image_config("{}").diff_ids.empty());
    CHECK(container(R"({"Healthcheck":{"Test":null,"Interval":null,"Retries":null}})").healthcheck.has_value());
}

TEST_CASE("rootfs must be of layers, with digests") {
    REQUIRE_THROWS_WITH(parse_image_config(R"({"architecture":"amd64","rootfs":{"type":"disk"}})"),
                        "image configuration: rootfs.type: must be \"layers\", not \"disk\"");
    REQUIRE_THROWS_WITH(parse_image_config(R"({"architecture":"amd64","rootfs":{"diff_ids":["x"]}})"),
                        ContainsSubstring("image configuration: rootfs.diff_ids[0]"));
    CHECK(parse_image_config(R"({"architecture":"amd64","rootfs":{"type":"layers"}})").diff_ids.empty());
    CHECK(
        parse_image_config(R"({"architecture":"amd64","rootfs":{"type":"layers","diff_ids":null}})").diff_ids.empty());
}

TEST_CASE("a platform that the configuration does not name stays empty (S-2)") {
    auto text = GENERATE(as<std::string>(), "{}", R"({"architecture":"","os":"","variant":""})",
                         R"({"architecture":null,"os":null,"variant":null})");
    CHECK(parse_image_config(text).platform == gbuild::oci::Platform{"", "", ""});
    REQUIRE_THROWS_WITH(parse_image_config(R"({"architecture":1})"),
                        "image configuration: architecture: must be a string, not number");
}

TEST_CASE("a configuration beyond the cap is a limit error") {
    try {
        parse_image_config(std::string((16u << 20) + 1, ' '));
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.kind() == gbuild::ErrorKind::limit);
    }
}

TEST_CASE("the canonical form has sorted keys, no white space and nothing that is not set") {
    ImageConfig image;
    image.created = 0;
    image.config.env = {"B=1", "A=2"};
    image.config.volumes = {"/b", "/a"};
    image.diff_ids = {*Digest::parse("sha256:" + std::string(64, '1'))};
    CHECK(to_json(image) == R"({"architecture":"amd64","config":{"Env":["B=1","A=2"],"Volumes":{"/a":{},"/b":{}}},)"
                            R"("created":"1970-01-01T00:00:00Z","os":"linux","rootfs":{"diff_ids":["sha256:)" +
                                std::string(64, '1') + R"("],"type":"layers"}})");
}

TEST_CASE("the canonical form reads back as the same configuration") {
    ImageConfig image;
    image.platform.variant = "v3";
    image.author = "me";
    image.config = container(R"({"User":"1:2","Env":["A=1"],"Cmd":[],"Entrypoint":["/x"],"Labels":{"a":"b"},
        "Healthcheck":{"Test":["NONE"]},"StopTimeout":0,"OnBuild":["RUN x"],"Shell":["s"],"ArgsEscaped":true,
        "ExposedPorts":{"1/udp":{}},"Volumes":{"/v":{}},"WorkingDir":"/w","StopSignal":"9"})");
    ImageConfig again = parse_image_config(to_json(image));
    CHECK(again.config == image.config);
    CHECK(again.platform == image.platform);
    CHECK(again.author == "me");
    CHECK(to_json(again) == to_json(image));
}

TEST_CASE("variables are looked up by whole names") {
    ContainerConfig config;
    config.set_env("PATH", "/bin");
    config.set_env("EMPTY", "");
    CHECK(config.env_value("PATH") == "/bin");
    CHECK(config.env_value("EMPTY") == "");
    CHECK_FALSE(config.env_value("PAT"));
    CHECK_FALSE(config.env_value("PATH="));
}

TEST_CASE("setting a variable keeps its place") {
    ContainerConfig config;
    config.set_env("A", "1");
    config.set_env("B", "2");
    config.set_env("A", "3=4");
    CHECK(config.env == std::vector<std::string>{"A=3=4", "B=2"});
}
