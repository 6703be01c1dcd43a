#include "gbuild/golem/container_config.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using gbuild::Error;
using gbuild::golem::parse_trailer_json;
using gbuild::golem::to_trailer_json;
using gbuild::golem::TrailerConfig;
using gbuild::oci::ContainerConfig;

namespace {

const std::string id(64, 'e');

ContainerConfig full() {
    ContainerConfig config;
    config.user = "1000:100";
    config.exposed_ports = {"80/tcp"};
    config.env = {"B=1", "A=2"};
    config.cmd = {"bash"};
    config.entrypoint = {"/entry", "x"};
    config.volumes = {"/golem/output", "/golem/input"};
    config.working_dir = "/golem/work";
    config.labels = {{"b", "2"}, {"a", "1"}};
    config.stop_signal = "SIGINT";
    config.stop_timeout = 10;
    config.healthcheck = gbuild::oci::Healthcheck{{"CMD", "true"}, 1, 2, 3, 4, 5};
    config.on_build = {"RUN x"};
    config.shell = {"/bin/bash", "-c"};
    config.args_escaped = true;
    return config;
}

}  // namespace

TEST_CASE("an empty configuration has the keys that every converter writes") {
    CHECK(to_trailer_json({}, id) ==
          R"({"Domainname":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,)"
          R"("OpenStdin":false,"StdinOnce":false,"Image":")" +
              id + R"(","WorkingDir":"","Labels":{}})");
}

TEST_CASE("the README's example has the converter's keys in docker's order") {
    ContainerConfig config;
    config.env = {"PATH=/bin"};
    config.cmd = {"bash"};
    config.volumes = {"/golem/output", "/golem/input"};
    config.working_dir = "/golem/work";
    CHECK(to_trailer_json(config, id) ==
          R"({"Domainname":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,)"
          R"("OpenStdin":false,"StdinOnce":false,"Env":["PATH=/bin"],"Cmd":["bash"],"Image":")" +
              id + R"(","Volumes":{"/golem/input":{},"/golem/output":{}},"WorkingDir":"/golem/work","Labels":{}})");
}

TEST_CASE("every member that is set is written, in docker's order") {
    CHECK(
        to_trailer_json(full(), id) ==
        R"({"Domainname":"","User":"1000:100","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,)"
        R"("ExposedPorts":{"80/tcp":{}},"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["B=1","A=2"],)"
        R"("Cmd":["bash"],"Healthcheck":{"Test":["CMD","true"],"Interval":1,"Timeout":2,"Retries":5,"StartPeriod":3},)"
        R"("ArgsEscaped":true,"Image":")" +
            id +
            R"(","Volumes":{"/golem/input":{},"/golem/output":{}},"WorkingDir":"/golem/work",)"
            R"("Entrypoint":["/entry","x"],"OnBuild":["RUN x"],"Labels":{"a":"1","b":"2"},)"
            R"("StopSignal":"SIGINT","StopTimeout":10,"Shell":["/bin/bash","-c"]})");
}

TEST_CASE("a trailer reads back as the same configuration") {
    ContainerConfig config = full();
    TrailerConfig trailer = parse_trailer_json(to_trailer_json(config, id));
    config.healthcheck->start_interval = 0;  // not part of the format
    CHECK(trailer.config == config);
    CHECK(trailer.image_id == id);
}

TEST_CASE("a user that is not numeric is a bug of the caller") {
    auto user = GENERATE(as<std::string>(), "app", "1000:app", ":5", "1:", "1:2:3", "-1");
    ContainerConfig config;
    config.user = user;
    try {
        to_trailer_json(config, id);
        FAIL("accepted " + user);
    } catch (const Error& error) {
        CHECK(error.kind() == gbuild::ErrorKind::internal);
    }
}

TEST_CASE("an image id is 64 hexadecimal digits") {
    REQUIRE_THROWS_AS(to_trailer_json({}, "sha256:" + id), Error);
    REQUIRE_THROWS_AS(to_trailer_json({}, ""), Error);
}

TEST_CASE("other converters' trailers are read: nulls, host names, prefixed ids") {
    TrailerConfig trailer = parse_trailer_json(
        R"({"Hostname":"f00","Domainname":"","User":null,"Env":null,"Cmd":null,"Volumes":null,"Labels":null,)"
        R"("Image":"sha256:abc","NetworkDisabled":null,"MacAddress":"","Entrypoint":null})");
    CHECK(trailer.config == ContainerConfig());
    CHECK(trailer.image_id == "abc");
    CHECK(parse_trailer_json("{}").image_id.empty());
}

TEST_CASE("a damaged trailer is an integrity error that names the place") {
    REQUIRE_THROWS_WITH(parse_trailer_json("{"), ContainsSubstring("trailer is not valid JSON"));
    REQUIRE_THROWS_WITH(parse_trailer_json(R"({"Env":7})"), "trailer: Env is number (7) and not a list of NAME=VALUE");
    REQUIRE_THROWS_WITH(parse_trailer_json("[]"), "trailer: must be an object, not array");
}

TEST_CASE("a value that is not UTF-8 is refused by its name") {
    gbuild::oci::ContainerConfig config;
    SECTION("a volume") { config.volumes = {"/v\xff"}; }
    SECTION("a variable") { config.env = {"A=\xff"}; }
    SECTION("a word of CMD") { config.cmd = {{"a", "\xc3"}}; }
    SECTION("a label's name") { config.labels = {{"\x80", "x"}}; }
    CHECK_THROWS_WITH(gbuild::golem::to_trailer_json(config, std::string(64, 'a')), ContainsSubstring("is not UTF-8"));
}
