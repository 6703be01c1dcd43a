#include "gbuild/cli/build_settings.h"

#include "fake_console.h"
#include "gbuild/base/atomic_file.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

template <class Settings>
build::BuildOptions apply(Settings&& settings, FakeConsole& fake) {
    build::BuildOptions options;
    settings.apply(options, fake.console);
    return options;
}

template <class Settings>
std::string refusal_of(Settings&& settings, ErrorKind kind = ErrorKind::usage) {
    FakeConsole fake;
    try {
        apply(settings, fake);
    } catch (const Error& error) {
        CHECK(error.kind() == kind);
        return error.message();
    }
    return "no error";
}

SourceSettings here() {
    SourceSettings settings;
    settings.context = ".";
    return settings;
}

}  // namespace

TEST_CASE("a build argument without a value takes the environment's, or is left out") {
    FakeConsole fake;
    fake.environment = {{"FROM_ENV", "e=1"}};
    SourceSettings settings = here();
    settings.build_args = {"A=1=2", "EMPTY=", "FROM_ENV", "NOT_THERE"};
    CHECK(apply(settings, fake).build_args ==
          std::map<std::string, std::string>{{"A", "1=2"}, {"EMPTY", ""}, {"FROM_ENV", "e=1"}});
}

TEST_CASE("labels and named contexts") {
    FakeConsole fake;
    SourceSettings settings = here();
    settings.labels = {"a=b", "empty"};
    settings.build_contexts = {"base=oci-layout://x"};
    auto options = apply(settings, fake);
    CHECK(options.labels == std::map<std::string, std::string>{{"a", "b"}, {"empty", ""}});
    CHECK(options.build_contexts == std::map<std::string, std::string>{{"base", "oci-layout://x"}});
}

TEST_CASE("assignments need a name") {
    SourceSettings settings = here();
    settings.build_args = {"=x"};
    CHECK(refusal_of(settings) == "--build-arg \"=x\": a name is missing");
    settings = here();
    settings.build_contexts = {"base"};
    CHECK(refusal_of(settings) == "--build-context \"base\": a source is missing");
}

TEST_CASE("a context that is not there is refused") {
    SourceSettings settings = here();
    settings.context = "no/such/directory";
    CHECK(refusal_of(settings, ErrorKind::not_found) == "the build context \"no/such/directory\" does not exist");
    settings.context = "/dev/null";
    CHECK(refusal_of(settings) == "the build context \"/dev/null\" is not a directory");
    settings.context = settings.file = "-";
    CHECK(refusal_of(settings) == "the context and the Dockerfile cannot both be standard input");
}

TEST_CASE("what is no local path is fetched later") {
    for (auto [context, name] :
         {std::pair("https://example.org/x.git#main:a", "x"), std::pair("git@example.org:x", "x"),
          std::pair("github.com/a/b", "b"), std::pair("https://example.org/y.tar.gz?z", "y"),
          std::pair("https://example.org", "image"), std::pair("-", "image")}) {
        CAPTURE(context);
        SourceSettings settings = here();
        settings.context = context;
        FakeConsole fake;
        CHECK(apply(settings, fake).context_source == context);
        CHECK(settings.named_after() == name);
    }
}

TEST_CASE("a platform nobody knows is a usage error") {
    SourceSettings settings = here();
    settings.platform = "linux/warp9";
    CHECK(refusal_of(settings) != "no error");
}

TEST_CASE("mirrors are for docker.io unless they name a registry") {
    FakeConsole fake;
    RegistrySettings settings;
    settings.mirrors = {"a.example", "http://b.example:5000/x?y=z", "quay.io=c.example", "quay.io=https://d.example"};
    using Hosts = std::vector<std::string>;
    CHECK(apply(settings, fake).registry.mirrors ==
          std::map<std::string, Hosts>{{"docker.io", {"a.example", "http://b.example:5000/x?y=z"}},
                                       {"quay.io", {"c.example", "https://d.example"}}});
    settings.mirrors = {"quay.io="};
    CHECK(refusal_of(settings) == "--registry-mirror \"quay.io=\": a host is missing");
    settings.mirrors = {"=https://bob:secret@m.example"};
    CHECK(refusal_of(settings) == "--registry-mirror \"=https://***@m.example\": a host is missing");
}

TEST_CASE("pull policies") {
    FakeConsole fake;
    RegistrySettings settings;
    CHECK(apply(settings, fake).pull == build::PullPolicy::missing);
    settings.pull = "always";
    CHECK(apply(settings, fake).pull == build::PullPolicy::always);
    settings.pull = "never";
    CHECK(apply(settings, fake).pull == build::PullPolicy::never);
}

TEST_CASE("files of credentials and certificates must be there") {
    RegistrySettings settings;
    settings.authfile = "no/such/file";
    CHECK(refusal_of(settings, ErrorKind::not_found) == "--authfile \"no/such/file\": no such file");
    settings = {};
    settings.ca_files = {"no/such/ca.pem"};
    CHECK(refusal_of(settings, ErrorKind::not_found) == "--ca-file \"no/such/ca.pem\": no such file");
}

TEST_CASE("the registries' configuration file adds to the options") {
    FakeConsole fake;
    TempDir directory;
    auto file = directory.path() / "gbuild" / "registries.json";
    std::filesystem::create_directories(file.parent_path());
    write_file_atomically(file, R"({"registries":{"docker.io":{"mirrors":["second.example"]},
                                                  "reg.example":{"insecure":true,"ca_files":["ca.pem"]}}})");
    fake.environment["XDG_CONFIG_HOME"] = directory.path().native();
    RegistrySettings settings;
    settings.mirrors = {"first.example"};
    settings.insecure = {"other.example"};
    auto client = apply(settings, fake).registry;
    CHECK(client.mirrors["docker.io"] == std::vector<std::string>{"first.example", "second.example"});
    CHECK(client.insecure == std::vector<std::string>{"other.example", "reg.example"});
    CHECK(client.host_ca_files["reg.example"].at(0) == file.parent_path() / "ca.pem");
    CHECK(client.certs_dirs.front() == directory.path() / "containers/certs.d");
}

TEST_CASE("a configuration file that is asked for takes the place of the usual one, and must be there") {
    FakeConsole fake;
    TempDir directory;
    write_file_atomically(directory.path() / "r.json", R"({"registries":{"docker.io":{"mirrors":["m.example"]}}})");
    std::filesystem::create_directories(directory.path() / "gbuild");
    write_file_atomically(directory.path() / "gbuild/registries.json", "nonsense");
    fake.environment["XDG_CONFIG_HOME"] = directory.path().native();
    RegistrySettings settings;
    settings.registry_config = (directory.path() / "r.json").native();
    CHECK(apply(settings, fake).registry.mirrors["docker.io"] == std::vector<std::string>{"m.example"});
    settings.registry_config = "/dev/null";
    CHECK(apply(settings, fake).registry.mirrors.empty());
    settings.registry_config = "no/such/file";
    CHECK(refusal_of(settings, ErrorKind::not_found) == "--registry-config \"no/such/file\": no such file");
    settings.registry_config.clear();
    CHECK_THROWS_WITH(apply(settings, fake), ContainsSubstring("registries.json\": not a JSON object"));
}

TEST_CASE("registries.conf is read below the files of our own (S-21)") {
    FakeConsole fake;
    TempDir directory;
    write_file_atomically(directory.path() / "c.conf", "[[registry]]\nlocation='a.example'\ninsecure=true\n");
    fake.environment["CONTAINERS_REGISTRIES_CONF"] = (directory.path() / "c.conf").native();
    RegistrySettings settings;
    CHECK(apply(settings, fake).registry.insecure == std::vector<std::string>{"a.example"});
    settings.registry_config = "/dev/null";
    CHECK(apply(settings, fake).registry.insecure.empty());
}

TEST_CASE("the floor of a transfer's speed is a size a second (X-17)") {
    FakeConsole fake;
    RegistrySettings settings;
    CHECK(apply(settings, fake).registry.min_speed == registry::default_min_speed);
    settings.min_speed = "10K";
    CHECK(apply(settings, fake).registry.min_speed == 10240);
    settings.min_speed = "0";
    CHECK(apply(settings, fake).registry.min_speed == 0);
    settings.min_speed = "fast";
    CHECK(refusal_of(settings) == "--min-speed \"fast\": not a size");
}

TEST_CASE("jobs are a number from 1") {
    WorkSettings settings;
    build::BuildOptions options;
    settings.jobs = "3";
    settings.apply(options);
    CHECK(options.jobs == 3);
    for (const char* bad : {"0", "-1", "x", "1025", "1.5", "99999999999999999999"}) {
        settings.jobs = bad;
        CHECK_THROWS_AS(settings.apply(options), Error);
    }
}

TEST_CASE("sizes") {
    CHECK(parse_size("131072") == 131072);
    CHECK(parse_size("128K") == 131072);
    CHECK(parse_size("1m") == 1u << 20);
    CHECK(parse_size("2G") == uint64_t{2} << 30);
    for (const char* bad : {"", "K", "1.5K", "-1", "1T", "18446744073709551615K"}) CHECK(!parse_size(bad));
}

TEST_CASE("times are seconds or RFC 3339") {
    CHECK(parse_timestamp("0", "x") == 0);
    CHECK(parse_timestamp("1714564800", "x") == 1714564800);
    CHECK(parse_timestamp("2024-05-01T14:00:00+02:00", "x") == 1714564800);
    for (const char* bad : {"", "yesterday", "-1", "99999999999999999999", "2024-13-01T00:00:00Z"}) {
        CHECK_THROWS_AS(parse_timestamp(bad, "x"), Error);
    }
}

TEST_CASE("the timestamp comes from the option, then from SOURCE_DATE_EPOCH") {
    FakeConsole fake;
    ImageSettings settings;
    CHECK(!apply(settings, fake).timestamp);
    CHECK(!apply(settings, fake).environment_epoch);
    fake.environment["SOURCE_DATE_EPOCH"] = "100";
    CHECK(apply(settings, fake).environment_epoch == 100);
    CHECK(!apply(settings, fake).timestamp);
    settings.timestamp = "200";
    CHECK(apply(settings, fake).timestamp == 200);
}

TEST_CASE("a bad SOURCE_DATE_EPOCH is an error, not ignored") {
    FakeConsole fake;
    fake.environment["SOURCE_DATE_EPOCH"] = "soon";
    CHECK_THROWS_WITH(apply(ImageSettings{}, fake), "SOURCE_DATE_EPOCH \"soon\": not a time");
}

TEST_CASE("each compression has its standard level") {
    FakeConsole fake;
    for (const char* name : {"gzip", "lzo", "lz4", "xz"}) {
        ImageSettings settings;
        settings.compression = name;
        auto packing = apply(settings, fake).packing;
        CHECK(pack::codec_name(packing.codec) == name);
        CHECK(packing.level == pack::level_range(packing.codec).standard);
    }
}

TEST_CASE("zstd needs the flag that says what it costs") {
    FakeConsole fake;
    ImageSettings settings;
    settings.compression = "zstd";
    CHECK_THAT(refusal_of(settings), ContainsSubstring("providers cannot mount a zstd image"));
    settings.allow_unmountable_zstd = true;
    CHECK(apply(settings, fake).packing.codec == pack::Codec::zstd);
}

TEST_CASE("bad packing options are usage errors") {
    ImageSettings settings;
    settings.compression = "brotli";
    CHECK(refusal_of(settings) == "--compression \"brotli\": no such compression");
    settings = {};
    settings.level = "99";
    CHECK(refusal_of(settings) != "no error");
    settings.level = "fast";
    CHECK(refusal_of(settings) == "--compression-level \"fast\": not a number");
    settings = {};
    for (const char* bad : {"1K", "2M", "100K", "big"}) {
        settings.block_size = bad;
        CHECK(refusal_of(settings) != "no error");
    }
}

TEST_CASE("how RUN is executed") {
    FakeConsole fake;
    fake.environment = {{"https_proxy", "http://p"}};
    RunSettings settings;
    CHECK_FALSE(apply(settings, fake).run.isolation);
    settings.isolation = "single";
    settings.network = "none";
    settings.timeout = "15m";
    settings.memory = "2G";
    settings.pids = "100";
    settings.allow = {"security.insecure"};
    const auto run = apply(settings, fake).run;
    CHECK(run.isolation == sandbox::Isolation::single);
    CHECK(run.network == sandbox::Network::none);
    CHECK(run.timeout == std::chrono::minutes(15));
    CHECK(run.memory == uint64_t{2} << 30);
    CHECK(run.pids == 100);
    CHECK(run.allow_insecure);
    CHECK(run.proxies == std::map<std::string, std::string>{{"https_proxy", "http://p"}});
}

TEST_CASE("limits of RUN that are none") {
    for (const char* bad : {"0", "x", "1d", "-1", "99999999999h"}) {
        RunSettings settings;
        settings.timeout = bad;
        CHECK_THAT(refusal_of(settings), ContainsSubstring("--timeout"));
    }
    RunSettings settings;
    settings.memory = "0";
    CHECK_THAT(refusal_of(settings), ContainsSubstring("--memory"));
    settings = {};
    settings.pids = "many";
    CHECK_THAT(refusal_of(settings), ContainsSubstring("--pids"));
    settings = {};
    settings.allow = {"network.host", "device"};
    CHECK_THAT(refusal_of(settings), ContainsSubstring("security.insecure"));
    settings.allow = {"network.host"};
    CHECK(refusal_of(settings) == "no error");
    CHECK(settings.notices().size() == 1);
}

TEST_CASE("a secret is a file's contents or a variable's value") {
    TempDir dir;
    const std::string file = (dir.path() / "key").native();
    write_file_atomically(file, "from the file\n");
    FakeConsole fake;
    fake.environment = {{"TOKEN", "from the environment"}, {"plain", "by its own name"}};
    RunSettings settings;
    settings.secrets = {"id=a,src=" + file, "id=b,source=" + file + ",type=file",
                        "id=c,env=TOKEN",   "id=d,type=env,src=TOKEN",
                        "id=plain",         "type=env,id=TOKEN"};
    const auto secrets = apply(settings, fake).run.secrets;
    CHECK(secrets.at("a") == "from the file\n");
    CHECK(secrets.at("b") == secrets.at("a"));
    CHECK(secrets.at("c") == "from the environment");
    CHECK(secrets.at("d") == secrets.at("c"));
    CHECK(secrets.at("plain") == "by its own name");
    CHECK(secrets.at("TOKEN") == secrets.at("c"));
}

TEST_CASE("a secret that cannot be had is an error that says so") {
    auto refused = [](const std::string& text, ErrorKind kind = ErrorKind::usage) {
        RunSettings settings;
        settings.secrets = {text};
        return refusal_of(settings, kind);
    };
    CHECK_THAT(refused("src=/etc/passwd"), ContainsSubstring("an id is missing"));
    CHECK_THAT(refused("token"), ContainsSubstring("has no value"));
    CHECK_THAT(refused("id=a,file=x"), ContainsSubstring("unknown key \"file\""));
    CHECK_THAT(refused("id=a,type=vault"), ContainsSubstring("unknown type"));
    CHECK_THAT(refused("id=a,src=x,env=Y"), ContainsSubstring("not both"));
    CHECK_THAT(refused("id=a,env=NOT_SET"), ContainsSubstring("the environment has no \"NOT_SET\""));
    CHECK_THAT(refused("id=a,src=/tmp"), ContainsSubstring("is a directory"));
    CHECK_THAT(refused("id=a,src=/no/such/file", ErrorKind::not_found), ContainsSubstring("/no/such/file"));
    CHECK_THAT(refused("id=a,src=/dev/zero", ErrorKind::limit), ContainsSubstring("/dev/zero"));
}

TEST_CASE("an ssh agent is a socket") {
    FakeConsole fake;
    RunSettings settings;
    settings.agents = {"default"};
    CHECK_THAT(refusal_of(settings), ContainsSubstring("SSH_AUTH_SOCK is not set"));
    settings.agents = {"=/x"};
    CHECK_THAT(refusal_of(settings), ContainsSubstring("an id is missing"));
    settings.agents = {"a=/tmp"};
    CHECK_THAT(refusal_of(settings, ErrorKind::unsupported), ContainsSubstring("neither the socket of an ssh agent"));
    settings.agents = {"a=/etc/passwd,/tmp"};
    CHECK_THAT(refusal_of(settings, ErrorKind::unsupported), ContainsSubstring("nor a file with a key"));
    settings.agents = {"a=/no/such/socket"};
    CHECK_THAT(refusal_of(settings, ErrorKind::not_found), !ContainsSubstring("/no/such/socket"));
}

TEST_CASE("hosts for the steps") {
    FakeConsole fake;
    RunSettings settings;
    settings.hosts = {"a:10.0.0.1", "b=::1", "c.d=[fe80::1]"};
    using Hosts = std::vector<std::pair<std::string, std::string>>;
    CHECK(apply(settings, fake).run.hosts == Hosts{{"a", "10.0.0.1"}, {"b", "::1"}, {"c.d", "fe80::1"}});
    for (const char* text : {"a", "=1.2.3.4", "a b=1.2.3.4", "a=1.2.3", "a="}) {
        settings.hosts = {text};
        CHECK_THAT(refusal_of(settings), ContainsSubstring("--add-host"));
    }
    settings.hosts = {"a=host-gateway"};
    CHECK_THAT(refusal_of(settings, ErrorKind::unsupported), ContainsSubstring("host-gateway"));
}

TEST_CASE("limits and shared memory for the steps") {
    FakeConsole fake;
    RunSettings settings;
    CHECK(apply(settings, fake).run.shm_size == 64u << 20);
    settings.limits = {"nofile=100:200", "CPU=5", "core=-1"};
    settings.shm_size = "1G";
    const auto run = apply(settings, fake).run;
    REQUIRE(run.limits.size() == 3);
    CHECK(run.limits[0].soft == 100);
    CHECK(run.limits[0].hard == 200);
    CHECK(run.limits[1].hard == 5);
    CHECK(run.limits[2].soft == sandbox::ResourceLimit::unlimited);
    CHECK(run.shm_size == 1u << 30);
    settings.shm_size = "0";
    CHECK_THAT(refusal_of(settings), ContainsSubstring("--shm-size"));
    settings.shm_size.clear();
    for (const char* text : {"files=1", "rttime=1", "nofile", "nofile=x", "nofile=2:1", "nofile=1:2:3"}) {
        settings.limits = {text};
        CHECK_THAT(refusal_of(settings), ContainsSubstring("--ulimit"));
    }
}
