#include "gbuild/registry/registry_config.h"

#include "gbuild/base/atomic_file.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

ClientOptions loaded(const std::string& json, ClientOptions options = {}) {
    TempDir directory;
    write_file_atomically(directory.path() / "registries.json", json);
    SaidSettings said;
    load_registry_config(directory.path() / "registries.json", options, said);
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
    SaidSettings said;
    load_registry_config(directory.path() / "r.json", options, said);
    CHECK(said.contains({"safe.example", "insecure"}));
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
    SaidSettings said;
    load_registry_config("/nowhere/registries.json", options, said);
    load_registry_config("/dev/null/.config/gbuild/registries.json", options, said);
    load_registry_config("", options, said);
    CHECK(options.mirrors.empty());
    CHECK(said.empty());
}

TEST_CASE("an empty configuration file says nothing (S-20)") {
    CHECK(loaded("").mirrors.empty());
    CHECK(loaded(" \n").mirrors.empty());
    ClientOptions options;
    SaidSettings said;
    CHECK_NOTHROW(load_registry_config("/dev/null", options, said));
}

TEST_CASE("what is wrong in a configuration file is named by its JSON path") {
    CHECK_THROWS_WITH(loaded("nonsense"), ContainsSubstring("registries.json\": not a JSON object"));
    CHECK_THROWS_WITH(loaded(R"({"registry":{}})"), ContainsSubstring("registry: unknown member (known: registries)"));
    CHECK_THROWS_WITH(
        loaded(R"({"registries":{"a":{"mirror":[]}}})"),
        ContainsSubstring("registries.a.mirror: unknown member (known: mirrors, insecure, ca_files, token_hosts)"));
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
    using Paths = std::vector<std::filesystem::path>;
    CHECK(default_registry_files(xdg).own == Paths{"/x/gbuild/registries.json", "/etc/gbuild/registries.json"});
    CHECK(default_registry_files(home).own ==
          Paths{"/h/.config/gbuild/registries.json", "/etc/gbuild/registries.json"});
    CHECK(default_registry_files(nothing).own == Paths{"/etc/gbuild/registries.json"});
    CHECK(default_certs_dirs(xdg) == Paths{"/x/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d"});
    CHECK(default_certs_dirs(home) == Paths{"/h/.config/containers/certs.d", "/h/.docker/certs.d",
                                            "/etc/containers/certs.d", "/etc/docker/certs.d"});
    CHECK(default_certs_dirs(nothing) == Paths{"/etc/containers/certs.d", "/etc/docker/certs.d"});
}

namespace {

// Files of a user and of the system in directories of their own.
class Machine {
  public:
    void user(const std::string& name, const std::string& text) { write("user/" + name, text); }
    void system(const std::string& text) { write("etc/registries.json", text); }
    ClientOptions load(ClientOptions options = {}) {
        auto environment = [&](const char* name) -> std::optional<std::string> {
            std::string_view wanted = name;
            if (wanted == "XDG_CONFIG_HOME") return (place_.path() / "user").string();
            if (wanted == "GBUILD_SYSTEM_CONFIG") return (place_.path() / "etc").string();
            if (wanted == "CONTAINERS_REGISTRIES_CONF") return (place_.path() / "user/containers.conf").string();
            return std::nullopt;
        };
        load_registry_files(default_registry_files(environment), options);
        return options;
    }

  private:
    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((place_.path() / name).parent_path());
        write_file_atomically(place_.path() / name, text);
    }
    TempDir place_;
};

using Names = std::vector<std::string>;
using Mirrors = std::vector<MirrorLocation>;
using Pulls = MirrorLocation::Pulls;

LocationRule rule(const ClientOptions& options, const std::string& prefix) {
    for (const LocationRule& one : options.rules) {
        if (one.prefix == prefix) return one;
    }
    FAIL("no rule for " << prefix);
    return {};
}

}  // namespace

TEST_CASE("the system's settings lie below the user's, member by member (S-21)") {
    Machine machine;
    machine.user("gbuild/registries.json", R"({"registries":{"docker.io":{"mirrors":["mine.example"]},
        "a.example":{"insecure":false},"none.example":{"mirrors":[]}}})");
    machine.system(R"({"registries":{"docker.io":{"mirrors":["theirs.example"],"ca_files":["ca.pem"]},
        "a.example":{"insecure":true},"b.example":{"insecure":true},"none.example":{"mirrors":["m.example"]}}})");
    ClientOptions options = machine.load();
    CHECK(options.mirrors["docker.io"] == Names{"mine.example"});
    CHECK(options.host_ca_files["docker.io"].size() == 1);
    CHECK(options.insecure == Names{"b.example"});
    CHECK(options.mirrors["none.example"].empty());
    machine.system("nonsense");
    CHECK_THROWS_WITH(machine.load(), ContainsSubstring("etc/registries.json\": not a JSON object"));
}

TEST_CASE("registries.conf counts where there is no setting of our own (S-21)") {
    Machine machine;
    machine.user("containers.conf", R"(
unqualified-search-registries = ["docker.io"]
[aliases]
"x" = "docker.io/x"
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.example:5000/hub"
insecure = true
[[registry.mirror]]
location = "second.example/"
pull-from-mirror = "all"
[[registry.mirror]]
location = "digests.example"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "moved.example"
location = "new.example/moved"
[[registry]]
location = "plain.example:5000"
insecure = true
[[registry]]
prefix = "quay.io/team"
location = "part.example"
[[registry]]
prefix = "*.wild.example"
insecure = true
[[registry]]
location = "strict.example"
mirror-by-digest-only = true
[[registry.mirror]]
location = "m.example"
[[registry]]
prefix = "bad.example"
blocked = true
)");
    ClientOptions options = machine.load();
    CHECK(options.mirrors.empty());
    CHECK(rule(options, "docker.io").location == "docker.io");
    CHECK(rule(options, "docker.io").mirrors == Mirrors{{"mirror.example:5000/hub", Pulls::all},
                                                        {"second.example", Pulls::all},
                                                        {"digests.example", Pulls::digests}});
    CHECK(rule(options, "moved.example").location == "new.example/moved");
    CHECK(rule(options, "strict.example").mirrors == Mirrors{{"m.example", Pulls::digests}});
    CHECK(rule(options, "quay.io/team").location == "part.example");
    CHECK(rule(options, "*.wild.example").location.empty());
    CHECK_FALSE(rule(options, "*.wild.example").blocked);
    CHECK(rule(options, "bad.example").blocked);
    CHECK(rule(options, "bad.example").file.ends_with("user/containers.conf"));
    CHECK(options.insecure == Names{"*.wild.example", "mirror.example:5000", "plain.example:5000"});

    machine.user("gbuild/registries.json", R"({"registries":{"docker.io":{"mirrors":["own.example"]},
        "plain.example:5000":{"insecure":false}}})");
    options = machine.load();
    CHECK(options.mirrors["docker.io"] == Names{"own.example"});
    CHECK(options.insecure == Names{"*.wild.example", "mirror.example:5000"});
}

TEST_CASE("a registries.conf that is no TOML is named with the line, an old or empty one says nothing (S-21)") {
    Machine machine;
    machine.user("containers.conf", "\n[[registry]\n");
    CHECK_THROWS_WITH(machine.load(), ContainsSubstring("containers.conf\", line 2: "));
    auto text = GENERATE(as<std::string>(), "", "# nothing\n", "[registries.search]\nregistries = ['a']\n",
                         "registry = 7\n", "[[registry]]\nlocation = 7\n[[registry.mirror]]\nlocation = 7\n");
    machine.user("containers.conf", text);
    ClientOptions options = machine.load();
    CHECK(options.insecure.empty());
    CHECK(options.rules.empty());
}

TEST_CASE("a later file's entry for a registry takes the place of an earlier one's (S-21)") {
    TempDir place;
    write_file_atomically(place.path() / "1.conf", "[[registry]]\nlocation='a.example'\ninsecure=true\n"
                                                   "[[registry]]\nlocation='b.example'\ninsecure=true\n");
    write_file_atomically(place.path() / "2.conf", "[[registry]]\nlocation='a.example'\n");
    ClientOptions options;
    load_containers_config({place.path() / "1.conf", place.path() / "absent.conf", place.path() / "2.conf"}, options,
                           {});
    CHECK(options.insecure == Names{"b.example"});
}

TEST_CASE("the files of the containers tools are found where these look (S-21)") {
    TempDir home;
    std::filesystem::path containers = home.path() / ".config/containers";
    std::filesystem::create_directories(containers / "registries.conf.d");
    for (const char* name :
         {"registries.conf", "registries.conf.d/b.conf", "registries.conf.d/a.conf", "registries.conf.d/readme"}) {
        write_file_atomically(containers / name, "");
    }
    auto environment = [&](const char* name) -> std::optional<std::string> {
        return std::string_view(name) == "HOME" ? std::optional(home.path().string()) : std::nullopt;
    };
    auto files = default_registry_files(environment).containers;
    CHECK(files.front() == containers / "registries.conf");
    REQUIRE(files.size() >= 3);
    CHECK(files[files.size() - 2] == containers / "registries.conf.d/a.conf");
    CHECK(files.back() == containers / "registries.conf.d/b.conf");
}
