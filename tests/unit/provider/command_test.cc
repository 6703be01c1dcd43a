#include "../../../src/provider/last_words.h"
#include "gbuild/provider/command.h"
#include "support/catch.h"

namespace gbuild::provider {

namespace {

MachineSettings settings_of(std::string user, Runtime runtime = Runtime::v0_5) {
    MachineSettings settings;
    settings.config.user = std::move(user);
    settings.config.env = {"PATH=/bin"};
    settings.runtime = runtime;
    return settings;
}

}  // namespace

TEST_CASE("only uid:gid in numbers is anybody but root") {
    CHECK(command_request(settings_of("1000:1001"), {"/p"}).uid == 1000);
    CHECK(command_request(settings_of("1000:1001"), {"/p"}).gid == 1001);
    for (const char* user : {"", "app", "1000", "1000:app", "1000:1001:1", "4294967296:0", " 1:1", "-1:1"}) {
        CAPTURE(user);
        CHECK(command_request(settings_of(user), {"/p"}).uid == 0);
    }
}

TEST_CASE("the runtime's version decides about the environment and the root's size") {
    CHECK_FALSE(command_request(settings_of(""), {"/p"}).environment);
    CHECK(command_request(settings_of("", Runtime::v0_4), {"/p"}).environment == std::vector<std::string>{"PATH=/bin"});
    CHECK(root_size(settings_of("", Runtime::v0_4)) == 128u << 20);
    CHECK(root_size(settings_of("")) == 512u << 20);
}

TEST_CASE("an entrypoint has its base name as first argument") {
    MachineSettings settings = settings_of("");
    settings.config.entrypoint = {"/usr/bin/tool", "-x"};
    settings.config.cmd = {"y"};
    const StartRequest request = entrypoint_request(settings);
    CHECK(request.program == "/usr/bin/tool");
    CHECK(request.arguments == std::vector<std::string>{"tool", "-x", "y"});
    CHECK(request.entrypoint);
    settings.config.entrypoint.reset();
    CHECK(entrypoint_request(settings).program == "y");
    settings.config.cmd.reset();
    CHECK_THROWS_AS(entrypoint_request(settings), Error);
}

TEST_CASE("a blank working directory is the root") {
    MachineSettings settings = settings_of("");
    settings.config.working_dir = "  ";
    CHECK(command_request(settings, {"/p"}).directory == "/");
    settings.config.working_dir = "/w";
    CHECK(command_request(settings, {"/p"}).directory == "/w");
}

TEST_CASE("last words: the init's, the kernel's, or the last line") {
    LastWords words;
    CHECK(words.reason().empty());
    words.add("[ 1.0] loading\r\nsomething else\r\n");
    CHECK(words.reason() == "something else");
    words.add("[ 2.0] Kernel panic - not syncing: no root\r\n[ 2.1] more\r\n");
    CHECK(words.reason() == "Kernel panic - not syncing: no root");
    words.add("gbuild-init: cannot write /etc/hosts\nmore\n");
    CHECK(words.reason() == "cannot write /etc/hosts");
}

}  // namespace gbuild::provider
