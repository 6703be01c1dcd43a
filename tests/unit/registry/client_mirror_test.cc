#include <cstdlib>

#include <fmt/format.h>

#include "client_fixture.h"
#include "gbuild/base/text.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

class MirrorFixture : public ClientFixture {
  public:
    MirrorFixture() { registry.add_manifest("app", "latest", manifest); }
    void use_mirrors(std::vector<std::string> mirrors) { options.mirrors[registry.host()] = std::move(mirrors); }
    std::string pull() { return pull_manifest(registry.reference("app")); }

    FakeRegistry registry, first, second;
};

// An environment variable for the time of a test.
class Variable {
  public:
    Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { ::unsetenv(name_); }

  private:
    const char* name_;
};

}  // namespace

TEST_CASE_METHOD(MirrorFixture, "a mirror that has the image spares the registry") {
    first.add_manifest("app", "latest", manifest);
    use_mirrors({first.host(), second.server().url()});
    CHECK(pull() == manifest);
    CHECK(first.requests().size() == 1);
    CHECK(second.requests().empty());
    CHECK(registry.requests().empty());
}

TEST_CASE_METHOD(MirrorFixture, "mirrors are asked in order, then the registry itself") {
    use_mirrors({first.host(), second.server().url()});
    CHECK(pull() == manifest);
    CHECK(first.requests().size() == 1);
    CHECK(second.requests().size() == 1);
    CHECK(registry.requests().size() == 1);
    REQUIRE(notices().size() == 2);
    CHECK_THAT(notices()[0], ContainsSubstring("mirror " + first.host() + ": "));
    CHECK_THAT(notices()[0], ContainsSubstring("going on without it"));
}

TEST_CASE_METHOD(MirrorFixture, "a mirror's path is a prefix of the repository") {
    first.add_manifest("hub/cache/app", "latest", manifest);
    use_mirrors({first.server().url() + "/hub/cache/"});
    CHECK(pull() == manifest);
    CHECK(first.requests().at(0).path == "/v2/hub/cache/app/manifests/latest");
}

TEST_CASE_METHOD(MirrorFixture, "a mirror that fails is left alone afterwards") {
    for (int i = 0; i < 10; i++) first.fault("manifests/", faults::status(500));
    use_mirrors({first.host()});
    for (int i = 0; i < 3; i++) CHECK(pull() == manifest);
    CHECK(first.requests().size() == 2);
}

TEST_CASE_METHOD(MirrorFixture, "a mirror that has something else under a digest is passed over") {
    first.fault("manifests/", [](const test::HttpRequest&, test::HttpReply& reply) {
        reply = {200, {}, R"({"x":1})"};
    });
    use_mirrors({first.host()});
    CHECK(pull_manifest(fmt::format("{}/app@{}", registry.host(), Digest::of(manifest).text())) == manifest);
}

TEST_CASE_METHOD(MirrorFixture, "a blob that breaks off at a mirror is resumed at the registry") {
    std::string content = noise(90'000);
    Digest digest = registry.add_blob(content);
    first.add_blob(content);
    first.fault("blobs/", faults::cut(30'000));
    first.fault("blobs/", faults::cut(20'000));
    use_mirrors({first.host()});
    CHECK(pull_blob(registry.reference("app"), digest, content.size()) == content);
    CHECK(registry.requests("blobs/").at(0).header("range") == "bytes=50000-");
}

TEST_CASE_METHOD(MirrorFixture, "a mirror's blob with the wrong bytes is fetched from the registry") {
    std::string content = noise(90'000);
    Digest digest = registry.add_blob(content);
    first.add_blob(content);
    first.fault("blobs/", faults::corrupt(40'000));
    use_mirrors({first.host()});
    CHECK(pull_blob(registry.reference("app"), digest, content.size()) == content);
    CHECK(registry.requests("blobs/").at(0).header("range").empty());
    CHECK(notices() == std::vector{fmt::format("mirror {0}: {0} sent bytes with another digest as blob {1} of {2}; "
                                               "going on without it",
                                               first.host(), digest.text(), registry.reference("app"))});
}

TEST_CASE_METHOD(MirrorFixture, "a mirror's wrong bytes are not held against the registry that sent the rest") {
    std::string content = noise(90'000);
    Digest digest = registry.add_blob(content);
    first.add_blob(content);
    first.fault("blobs/", [](const test::HttpRequest&, test::HttpReply& reply) {
        reply.body[10'000] ^= 1;
        reply.ending = test::Ending::close;
        reply.cut_after = 50'000;
    });
    first.fault("blobs/", faults::status(404));
    use_mirrors({first.host()});
    CHECK(pull_blob(registry.reference("app"), digest, content.size()) == content);
    auto requests = registry.requests("blobs/");
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].header("range") == "bytes=50000-");
    CHECK(requests[1].header("range").empty());
}

TEST_CASE_METHOD(MirrorFixture, "wrong bytes everywhere are an error that names the registry, and are not kept") {
    std::string content = noise(90'000);
    Digest digest = registry.add_blob(content);
    first.add_blob(content);
    first.fault("blobs/", faults::corrupt(0));
    registry.fault("blobs/", faults::corrupt(89'999));
    use_mirrors({first.host()});
    MemorySink sink;
    auto source = image(registry.reference("app"));
    auto error = error_of([&] { source->fetch_blob(blob(digest, content.size()), sink, {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring(registry.host() + " sent bytes with another digest as blob "));
    CHECK(sink.received() == 0);
}

TEST_CASE_METHOD(MirrorFixture, "what an earlier run left is for its owner to check") {
    std::string content = noise(90'000), wrong = content.substr(0, 10'000);
    wrong[5] ^= 1;
    Digest digest = registry.add_blob(content);
    first.add_blob(content);
    use_mirrors({first.host()});
    MemorySink sink;
    sink.hold(wrong);
    image(registry.reference("app"))->fetch_blob(blob(digest, content.size()), sink, {});
    CHECK(sink.bytes() == wrong + content.substr(10'000));
    CHECK(registry.requests("blobs/").empty());
}

TEST_CASE_METHOD(ClientFixture, "a mirror does not see the registry's credentials") {
    FakeRegistry registry(Login::basic), mirror(Login::basic);
    registry.add_manifest("app", "latest", manifest);
    login(registry.host(), "bob", "secret");
    options.mirrors[registry.host()] = {mirror.host()};
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    CHECK_FALSE(mirror.requests().empty());
    for (const auto& request : mirror.server().requests()) CHECK(request.header("authorization").empty());
}

TEST_CASE_METHOD(ClientFixture, "a mirror gets its own credentials") {
    FakeRegistry registry(Login::basic), mirror(Login::basic);
    mirror.add_manifest("app", "latest", manifest);
    login(mirror.host(), "bob", "secret");
    options.mirrors[registry.host()] = {mirror.host()};
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    CHECK(registry.requests().empty());
}

TEST_CASE_METHOD(MirrorFixture, "what is no mirror is a usage error") {
    for (const char* mirror : {"ftp://m.example", "https://m.example/?a=b", "not a host"}) {
        CAPTURE(mirror);
        ClientOptions with = options;
        with.mirrors[registry.host()] = {mirror};
        Client client(with);
        auto error = error_of([&] { client.image(oci::Reference::parse(registry.reference("app"))); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(error.message() == quoted(mirror) + " is no registry mirror");
    }
}

TEST_CASE_METHOD(MirrorFixture, "a mirror's password is not shown") {
    for (const char* user : {"bob:Sup3rSecret@", "bob:Sup3r/Secret@", "bob:Sup3r@Secret@"}) {
        for (const char* scheme : {"https://", "ftp://", ""}) {
            CAPTURE(user, scheme);
            ClientOptions with = options;
            with.mirrors[registry.host()] = {std::string(scheme) + user + "m.example"};
            Client client(with);
            auto error = error_of([&] { client.image(oci::Reference::parse(registry.reference("app"))); });
            CHECK(error.message() == fmt::format("\"{}***@m.example\" is no registry mirror", scheme));
        }
    }
}

TEST_CASE_METHOD(ClientFixture, "a proxy's password is not shown") {
    for (const std::string proxy :
         {"http://bob:Sup3rSecret@proxy.invalid:99999", "http://bob:Sup3r/Secret@proxy.invalid",
          "warp://bob:Sup3rSecret@proxy.invalid", "bob:Sup3rSecret@proxy.invalid:x", "http://bob:Sup3r'Secret@[p",
          "http://bob:Sup3r@Secret@proxy.invalid:99999"}) {
        CAPTURE(proxy);
        Variable variable("HTTPS_PROXY", proxy);
        ClientOptions with = options;
        with.max_attempts = 2;
        Client client(with);
        auto source = client.image(oci::Reference::parse("registry.invalid/app"));
        std::string shown = error_of([&] { source->root_manifest({}); }).message() + join(notices(), "\n");
        CAPTURE(shown);
        CHECK_THAT(shown, !ContainsSubstring("Sup3r") && !ContainsSubstring("Secret"));
    }
}

TEST_CASE_METHOD(ClientFixture, "an insecure registry on another host is reached in the clear, through the proxy") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    Variable proxy("HTTP_PROXY", registry.server().url()), tls_proxy("HTTPS_PROXY", registry.server().url());
    options.insecure = {"registry.invalid:5000"};
    // The proxy's requests are in absolute form.
    auto answer = [](const test::HttpRequest& request, test::HttpReply& reply) {
        if (request.method == "CONNECT") reply = {502, {}, ""};
        if (request.method == "GET") reply = {200, {}, manifest};
    };
    for (int i = 0; i < 4; i++) registry.fault("", answer);
    CHECK(pull_manifest("registry.invalid:5000/app") == manifest);
    auto asked = registry.server().requests();
    CHECK(asked.front().method == "CONNECT");
    CHECK(asked.back().target == "http://registry.invalid:5000/v2/app/manifests/latest");
}

TEST_CASE_METHOD(ClientFixture, "a foreign layer does not lead a public image's reader to services on loopback") {
    FakeRegistry registry, service;
    Variable proxy("HTTP_PROXY", registry.server().url()), tls_proxy("HTTPS_PROXY", registry.server().url());
    options.insecure = {"registry.invalid:5000"};
    registry.fault("", faults::status(502));  // no TLS: the CONNECT request fails
    auto layer = blob(service.add_blob("x"), 1);
    layer.urls = {service.server().url() + "/v2/x/blobs/" + layer.digest.text()};
    MemorySink sink;
    auto error = error_of([&] { image("registry.invalid:5000/app")->fetch_blob(layer, sink, {}); });
    CHECK_THAT(error.message(), ContainsSubstring("which gbuild does not ask"));
    CHECK(service.server().requests().empty());
}

TEST_CASE_METHOD(ClientFixture, "a proxy that refuses is named as the cause") {
    FakeRegistry registry;
    Variable proxy("HTTPS_PROXY", registry.server().url());
    registry.fault("", faults::status(407));
    auto error = error_of([&] { pull_manifest("registry.invalid/app"); });
    CHECK(error.message() == "cannot reach registry.invalid through the proxy " + registry.server().url() +
                                 ": it wants a login (status 407)");
    CHECK(error.hint() == "set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT, with special characters as %XX");
}

TEST_CASE_METHOD(ClientFixture, "a proxy that refuses the login is named as the cause, in the clear, too") {
    FakeRegistry registry;
    std::string url = "http://bob:secret@" + registry.host();
    Variable proxy("HTTP_PROXY", url), tls_proxy("HTTPS_PROXY", url);
    options.insecure = {"registry.invalid:5000"};
    for (int i = 0; i < 3; i++) registry.fault("", faults::status(407));
    auto error = error_of([&] { pull_manifest("registry.invalid:5000/app"); });
    CHECK(error.message() == fmt::format("cannot reach registry.invalid:5000 through the proxy http://***@{}: it "
                                         "refuses the user name or password (status 407)",
                                         registry.host()));
    CHECK_THAT(error.hint(), ContainsSubstring("set HTTP_PROXY to "));
}

TEST_CASE_METHOD(ClientFixture, "a dead proxy is named as the cause") {
    std::string host = "127.0.0.1:1";
    Variable proxy("all_proxy", "http://bob:secret@" + host);
    options.max_attempts = 2;
    auto error = error_of([&] { pull_manifest("registry.invalid/app"); });
    CHECK_THAT(error.message(), ContainsSubstring("cannot reach registry.invalid through the proxy http://***@" + host +
                                                  ": Failed to connect"));
    CHECK_THAT(error.message(), ContainsSubstring("(tried 2 times)"));
    CHECK(error.hint() == "check all_proxy and NO_PROXY");
}

TEST_CASE_METHOD(ClientFixture, "a proxy whose password was not encoded is told apart from a dead one") {
    Variable proxy("HTTPS_PROXY", "http://127.0.0.1:1/secret@proxy.invalid:3128");
    auto error = error_of([&] { pull_manifest("registry.invalid/app"); });
    CHECK(error.message() ==
          "cannot reach registry.invalid through the proxy http://***@proxy.invalid:3128: HTTPS_PROXY is no URL");
    CHECK(error.hint() == "write special characters of the user name and the password as %XX: / as %2F");
}

TEST_CASE_METHOD(MirrorFixture, "a mirror that wants patience does not delay the registry") {
    first.fault("manifests/", faults::status(429, {{"Retry-After", "100"}}));
    use_mirrors({first.host()});
    CHECK(pull() == manifest);
    CHECK(first.requests().size() == 1);
    REQUIRE(notices().size() == 1);
    CHECK_THAT(notices()[0], ContainsSubstring("going on without it"));
}

TEST_CASE_METHOD(ClientFixture, "a host in NO_PROXY is reached directly") {
    FakeRegistry registry, proxy_server;
    Variable proxy("HTTPS_PROXY", proxy_server.server().url()), direct("NO_PROXY", ".invalid");
    options.max_attempts = 1;
    auto error = error_of([&] { pull_manifest("registry.invalid/app"); });
    CHECK(error.message() == "unknown host \"registry.invalid\"");
    CHECK(proxy_server.server().requests().empty());
}

TEST_CASE_METHOD(ClientFixture, "loopback is reached without the proxy") {
    FakeRegistry registry, proxy_server;
    registry.add_manifest("app", "latest", manifest);
    Variable proxy("http_proxy", proxy_server.server().url()), all("ALL_PROXY", proxy_server.server().url());
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    CHECK(proxy_server.server().requests().empty());
}
