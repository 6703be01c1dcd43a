#include "gbuild/registry/registry_config.h"

#include "gbuild/base/atomic_file.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

ClientOptions loaded(const std::string& json, ClientOptions options = {}) {
    TempDir directory;
    write_file_atomically(directory.path() / "registries.json", json);
    load_registry_config(directory.path() / "registries.json", options);
    return options;
}

}  // namespace

TEST_CASE("a registry's settings are added to the options") {
    TempDir directory;
    write_file_atomically(directory.path() / "r.json", R"({"registries":{
        "docker.io":{"mirrors":["https://m.example:5000","cache.example/hub"]},
        "reg.example:5000":{"insecure":true,"ca_files":["/abs/ca.pem","own.pem"]},
        "safe.example":{"insecure":false}}})");
    ClientOptions options;
    load_registry_config(directory.path() / "r.json", options);
    CHECK(options.mirrors["docker.io"] == std::vector<std::string>{"https://m.example:5000", "cache.example/hub"});
    CHECK(options.insecure == std::vector<std::string>{"reg.example:5000"});
    CHECK(options.host_ca_files["reg.example:5000"] ==
          std::vector<std::filesystem::path>{"/abs/ca.pem", directory.path() / "own.pem"});
}

TEST_CASE("mirrors of the command line come before those of the file") {
    ClientOptions options;
    options.mirrors["docker.io"] = {"first.example"};
    options = loaded(R"({"registries":{"docker.io":{"mirrors":["second.example"]}}})", options);
    CHECK(options.mirrors["docker.io"] == std::vector<std::string>{"first.example", "second.example"});
}

TEST_CASE("a configuration file that is not there changes nothing") {
    ClientOptions options;
    load_registry_config("/nowhere/registries.json", options);
    load_registry_config("/dev/null/.config/gbuild/registries.json", options);
    load_registry_config("", options);
    CHECK(options.mirrors.empty());
}

TEST_CASE("what is wrong in a configuration file is named by its JSON path") {
    CHECK_THROWS_WITH(loaded("nonsense"), ContainsSubstring("registries.json\": not a JSON object"));
    CHECK_THROWS_WITH(loaded(R"({"registry":{}})"), ContainsSubstring("registry: unknown member (known: registries)"));
    CHECK_THROWS_WITH(loaded(R"({"registries":{"a":{"mirror":[]}}})"),
                      ContainsSubstring("registries.a.mirror: unknown member (known: mirrors, insecure, ca_files)"));
    CHECK_THROWS_WITH(loaded(R"({"registries":{"a":{"mirrors":["x",7]}}})"),
                      ContainsSubstring("registries.a.mirrors[1]: not a text"));
    CHECK_THROWS_WITH(loaded(R"({"registries":{"a":{"insecure":"yes"}}})"),
                      ContainsSubstring("registries.a.insecure: neither true nor false"));
    CHECK_THROWS_WITH(loaded(R"({"registries":{"https://a/":{}}})"), ContainsSubstring("not a registry's HOST[:PORT]"));
}

TEST_CASE("the usual places follow XDG_CONFIG_HOME, then HOME") {
    auto xdg = [](const char* name) -> std::optional<std::string> {
        return std::string_view(name) == "XDG_CONFIG_HOME" ? std::optional<std::string>("/x") : std::nullopt;
    };
    auto home = [](const char* name) -> std::optional<std::string> {
        return std::string_view(name) == "HOME" ? std::optional<std::string>("/h") : std::nullopt;
    };
    auto nothing = [](const char*) -> std::optional<std::string> { return std::nullopt; };
    CHECK(default_registry_config_path(xdg) == "/x/gbuild/registries.json");
    CHECK(default_registry_config_path(home) == "/h/.config/gbuild/registries.json");
    CHECK(default_registry_config_path(nothing).empty());
    using Paths = std::vector<std::filesystem::path>;
    CHECK(default_certs_dirs(xdg) == Paths{"/x/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d"});
    CHECK(default_certs_dirs(home) == Paths{"/h/.config/containers/certs.d", "/h/.docker/certs.d",
                                            "/etc/containers/certs.d", "/etc/docker/certs.d"});
    CHECK(default_certs_dirs(nothing) == Paths{"/etc/containers/certs.d", "/etc/docker/certs.d"});
}
