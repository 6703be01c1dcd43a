#include "gbuild/registry/host_settings.h"

#include "client_fixture.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

const std::string pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

Url url(const std::string& text) { return *Url::parse(text); }

// A certs.d directory that can be filled.
class CertsDir {
  public:
    CertsDir() { options.certs_dirs = {directory_.path()}; }
    void put(const std::string& name, const std::string& text) {
        auto path = directory_.path() / name;
        std::filesystem::create_directories(path.parent_path());
        write_file_atomically(path, text);
    }
    std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
    std::shared_ptr<const TlsSettings> tls(const std::string& text) const {
        return HostSettings(options).tls(url(text));
    }

    ClientOptions options;

  private:
    TempDir directory_;
};

}  // namespace

TEST_CASE("an insecure host is one port: the one named, or the usual ones") {
    ClientOptions options;
    options.insecure = {"reg.example:5000", "Plain.example"};
    HostSettings hosts(options);
    CHECK(hosts.insecure(url("https://reg.example:5000")));
    CHECK(hosts.insecure(url("http://reg.example:5000/v2/")));
    CHECK_FALSE(hosts.insecure(url("https://reg.example")));
    CHECK_FALSE(hosts.insecure(url("https://reg.example:5001")));
    CHECK(hosts.insecure(url("https://plain.example")));
    CHECK(hosts.insecure(url("http://plain.example")));
    CHECK_FALSE(hosts.insecure(url("https://plain.example:5000")));
    CHECK_FALSE(hosts.insecure(url("https://sub.plain.example")));
}

TEST_CASE("all hosts below a domain may be insecure (S-21)") {
    ClientOptions options;
    options.insecure = {"*.Wild.example"};
    HostSettings hosts(options);
    CHECK(hosts.insecure(url("https://a.wild.example")));
    CHECK(hosts.insecure(url("https://a.b.wild.example:5000")));
    CHECK_FALSE(hosts.insecure(url("https://wild.example")));
    CHECK_FALSE(hosts.insecure(url("https://notwild.example")));
    CHECK_FALSE(hosts.insecure(url("https://a.wild.example.org")));
}

TEST_CASE("only insecure hosts go unverified, loopback does not") {
    ClientOptions options;
    options.insecure = {"reg.example"};
    HostSettings hosts(options);
    CHECK_FALSE(hosts.tls(url("https://reg.example"))->verify);
    CHECK(hosts.tls(url("https://other.example"))->verify);
    CHECK(hosts.tls(url("https://localhost:5000"))->verify);
    CHECK(hosts.may_speak_http(url("http://localhost:5000")));
    CHECK_FALSE(hosts.may_speak_http(url("http://other.example")));
}

TEST_CASE_METHOD(CertsDir, "a host's CA and client certificate come from its own directory") {
    put("reg.example:5000/ca.crt", pem + "ours");
    put("reg.example:5000/client.cert", pem);
    put("reg.example:5000/client.key", "key");
    put("other.example/ca.crt", pem + "theirs");
    auto found = tls("https://reg.example:5000");
    CHECK_THAT(found->ca_pem, ContainsSubstring("ours"));
    CHECK_THAT(found->ca_pem, !ContainsSubstring("theirs"));
    CHECK(found->client_certificate == path("reg.example:5000/client.cert"));
    CHECK(found->client_key == path("reg.example:5000/client.key"));
    CHECK(found->named);
    auto none = tls("https://reg.example:5001");
    CHECK(none->ca_pem.empty());
    CHECK(none->client_certificate.empty());
    CHECK_FALSE(none->named);
}

TEST_CASE_METHOD(CertsDir, "Docker Hub's directory is called docker.io") {
    put("docker.io/ca.crt", pem + "ours");
    CHECK_THAT(tls("https://registry-1.docker.io")->ca_pem, ContainsSubstring("ours"));
}

TEST_CASE_METHOD(CertsDir, "CA files are for all hosts, those of a host for that one") {
    put("all.pem", pem + "all");
    put("one.pem", pem + "one");
    options.ca_files = {path("all.pem")};
    options.host_ca_files["reg.example:5000"] = {path("one.pem")};
    CHECK_THAT(tls("https://reg.example:5000")->ca_pem, ContainsSubstring("all") && ContainsSubstring("one"));
    CHECK_THAT(tls("https://cdn.example")->ca_pem, ContainsSubstring("all") && !ContainsSubstring("one"));
}

TEST_CASE_METHOD(CertsDir, "a CA file may be a directory of them") {
    put("cas/b.crt", pem + "second");
    put("cas/a.pem", pem + "first");
    put("cas/README", "no certificate");
    std::filesystem::create_symlink("nowhere", path("cas/dangling.pem"));
    options.ca_files = {path("cas")};
    auto found = tls("https://reg.example")->ca_pem;
    CHECK_THAT(found, ContainsSubstring("first") && ContainsSubstring("second"));
    CHECK(found.find("first") < found.find("second"));
    put("none/README", "no certificate");
    options.ca_files = {path("none")};
    CHECK_THROWS_WITH(tls("https://reg.example"), ContainsSubstring("none\" holds no *.pem and no *.crt file"));
}

TEST_CASE_METHOD(CertsDir, "a client certificate without its key is an error that says where the key belongs") {
    put("reg.example/client.cert", pem);
    auto error = error_of([&] { tls("https://reg.example"); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK_THAT(error.message(), ContainsSubstring("client.cert\" has no key beside it"));
    CHECK_THAT(error.hint(), ContainsSubstring("client.key"));
}

TEST_CASE_METHOD(CertsDir, "a CA file that is none, or is not there, is an error that names it") {
    put("der.crt", "\x30\x82");
    options.ca_files = {path("der.crt")};
    CHECK_THROWS_WITH(tls("https://reg.example"), ContainsSubstring("der.crt\" holds no certificate in PEM form"));
    options.ca_files = {path("absent.crt")};
    CHECK_THROWS_WITH(tls("https://reg.example"), ContainsSubstring("absent.crt"));
}

TEST_CASE_METHOD(ClientFixture, "loopback that does not answer in the clear is tried over TLS") {
    FakeRegistry registry;
    registry.fault("", faults::no_answer());
    options.max_attempts = 1;
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK_THAT(error.message(), ContainsSubstring("over http: transfer from " + registry.host() + " failed: ") &&
                                    ContainsSubstring("; over https: " + registry.host() + " does not speak TLS: "));
    CHECK(error.hint() == "check the registry's host and port");
}

TEST_CASE_METHOD(ClientFixture, "a plain registry on loopback that loses a connection is asked again") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    registry.fault("", faults::no_answer());
    CHECK(pull_manifest(registry.reference("app")) == manifest);
}

TEST_CASE_METHOD(ClientFixture, "a plain-HTTP server where TLS is wanted leads to --insecure-registry") {
    FakeRegistry registry;
    options.certs_dirs = {directory()};
    std::filesystem::create_directories(directory() / registry.host());
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK_THAT(error.message(), ContainsSubstring(registry.host() + " does not speak TLS"));
    CHECK(error.hint() == "if it is a plain-HTTP registry that you trust, pass --insecure-registry " + registry.host());
}

TEST_CASE("which token services get a registry's login (X-16)") {
    ClientOptions options;
    options.token_hosts["reg.example.org"] = {"Login.Other.example", "sso.other.example:8443"};
    HostSettings hosts(options);
    auto may = [&](const std::string& realm, const std::string& base, const std::string& name) {
        return hosts.may_have_credentials(*Url::parse(realm), *Url::parse(base), name);
    };
    CHECK(may("https://auth.docker.io/token", "https://registry-1.docker.io/", "docker.io"));
    CHECK(may("https://reg.example.org:5001/auth", "https://reg.example.org:5000/", "reg.example.org:5000"));
    CHECK(may("https://gitlab.example.org/jwt/auth", "https://reg.example.org/", "reg.example.org"));
    CHECK(may("https://login.other.example/", "https://reg.example.org/", "reg.example.org"));
    CHECK(may("https://sso.other.example:8443/", "https://reg.example.org/", "reg.example.org"));
    CHECK_FALSE(may("https://sso.other.example/", "https://reg.example.org/", "reg.example.org"));
    CHECK_FALSE(may("https://login.other.example/", "https://mirror.example.net/", "mirror.example.net"));
    CHECK_FALSE(may("https://10.0.0.2/token", "https://10.0.0.1/", "10.0.0.1"));
    CHECK(may("http://localhost:5001/token", "http://127.0.0.1:5000/", "127.0.0.1:5000"));
}
