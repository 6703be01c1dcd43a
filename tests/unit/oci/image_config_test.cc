#include "gbuild/oci/image_config.h"

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

TEST_CASE("a variable without a value is empty, one without a name refused") {
    CHECK(container(R"({"Env":["A"]})").env == std::vector<std::string>{"A="});
    REQUIRE_THROWS_WITH(container(R"({"Env":["A=1","=x"]})"),
                        "image configuration: config.Env[1]: has no variable name");
}

TEST_CASE("wrong types are named") {
    REQUIRE_THROWS_WITH(container(R"({"Env":"A=1"})"), "image configuration: config.Env: must be an array, not string");
    REQUIRE_THROWS_WITH(container(R"({"Cmd":[1]})"),
                        "image configuration: config.Cmd[0]: must be a string, not number");
    REQUIRE_THROWS_WITH(container(R"({"Volumes":["/a"]})"),
                        "image configuration: config.Volumes: must be an object, not array");
    REQUIRE_THROWS_WITH(container(R"({"WorkingDir":"/a\u0000b"})"),
                        "image configuration: config.WorkingDir: must not contain a NUL");
    REQUIRE_THROWS_WITH(container(R"({"Healthcheck":{"Retries":"x"}})"),
                        "image configuration: config.Healthcheck.Retries: must be an integer, not string");
    REQUIRE_THROWS_WITH(container("[]"), "image configuration: config: must be an object, not array");
}

TEST_CASE("docker's zero time means that no time is known") {
    CHECK_FALSE(with(R"("created":"0001-01-01T00:00:00Z")").created);
    CHECK_FALSE(with(R"("created":null)").created);
    CHECK_FALSE(with(R"("created":"")").created);
    REQUIRE_THROWS_WITH(with(R"("created":"yesterday")"),
                        "image configuration: created: \"yesterday\" is no RFC 3339 time");
}

TEST_CASE("rootfs must be there, of layers, with digests") {
    REQUIRE_THROWS_WITH(parse_image_config(R"({"architecture":"amd64"})"), "image configuration: rootfs: is missing");
    REQUIRE_THROWS_WITH(parse_image_config(R"({"architecture":"amd64","rootfs":{"type":"disk"}})"),
                        "image configuration: rootfs.type: must be \"layers\", not \"disk\"");
    REQUIRE_THROWS_WITH(parse_image_config(R"({"architecture":"amd64","rootfs":{"diff_ids":["x"]}})"),
                        ContainsSubstring("image configuration: rootfs.diff_ids[0]"));
    CHECK(parse_image_config(R"({"architecture":"amd64","rootfs":{"type":"layers"}})").diff_ids.empty());
    CHECK(
        parse_image_config(R"({"architecture":"amd64","rootfs":{"type":"layers","diff_ids":null}})").diff_ids.empty());
}

TEST_CASE("an architecture is required") {
    REQUIRE_THROWS_WITH(parse_image_config(R"({"rootfs":{"type":"layers"}})"),
                        "image configuration: architecture: is missing");
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
