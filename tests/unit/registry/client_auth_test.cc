#include <atomic>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "client_fixture.h"
#include "gbuild/registry/base64.h"

using namespace gbuild;
using namespace gbuild::registry;

TEST_CASE_METHOD(ClientFixture, "a public image needs a token but no password") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    registry.add_manifest("app", "latest", manifest);
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    auto asked = token_requests(registry);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].query == "service=fake&scope=repository%3Aapp%3Apull%2Cpush");
    CHECK(asked[0].header("authorization").empty());
}

TEST_CASE_METHOD(ClientFixture, "user name and password buy a token, once") {
    FakeRegistry registry(Login::token);
    registry.add_manifest("app", "latest", manifest);
    login(registry.host(), "bob", "secret");
    for (int i = 0; i < 3; i++) CHECK(pull_manifest(registry.reference("app")) == manifest);
    auto asked = token_requests(registry);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].header("authorization") == "Basic " + base64_encode("bob:secret"));
    CHECK_THAT(asked[0].query, ContainsSubstring("account=bob"));
    CHECK(registry.requests().back().header("authorization") == "Bearer token-1");
}

TEST_CASE_METHOD(ClientFixture, "a token may be called access_token") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    registry.token_member = "access_token";
    registry.add_manifest("app", "latest", manifest);
    CHECK(pull_manifest(registry.reference("app")) == manifest);
}

TEST_CASE_METHOD(ClientFixture, "an answer without a usable token is refused") {
    FakeRegistry registry(Login::token);
    for (const char* body : {"", "[]", "{}", R"({"token":7})", R"({"token":""})", R"({"token":"a\r\nX-Evil: b"})"}) {
        CAPTURE(body);
        registry.fault("/token", [=](const test::HttpRequest&, test::HttpReply& reply) { reply = {200, {}, body}; });
        auto error = error_of([&] { pull_manifest(registry.reference("app")); });
        CHECK(error.kind() == ErrorKind::network);
        CHECK(error.message() == registry.server().url() + "/token answered without a usable token");
    }
}

TEST_CASE_METHOD(ClientFixture, "a token that has expired in mid-download is renewed and the blob resumed") {
    FakeRegistry registry(Login::token);
    login(registry.host(), "bob", "secret");
    std::string content = noise(100'000);
    Digest digest = registry.add_blob(content);
    registry.fault("blobs/", faults::cut(40'000));
    MemorySink sink;
    sink.on_append = [&] { registry.revoke_tokens(); };
    image(registry.reference("app"))->fetch_blob(blob(digest, content.size()), sink, {});
    CHECK(sink.bytes() == content);
    CHECK(token_requests(registry).size() == 2);
}

TEST_CASE_METHOD(ClientFixture, "the token service's hiccups are tried again") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    registry.add_manifest("app", "latest", manifest);
    registry.fault("/token", faults::status(503));
    registry.fault("/token", faults::cut(2));
    CHECK(pull_manifest(registry.reference("app")) == manifest);
}

TEST_CASE_METHOD(ClientFixture, "an identity token is traded for a token by OAuth") {
    FakeRegistry registry(Login::token);
    registry.identity_token = "idt";
    registry.add_manifest("app", "latest", manifest);
    auth_file(R"({"auths":{")" + registry.host() + R"(":{"identitytoken":"idt"}}})");
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    auto asked = token_requests(registry);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].method == "POST");
    CHECK(asked[0].body == "grant_type=refresh_token&service=fake&client_id=gbuild&"
                           "scope=repository%3Aapp%3Apull%2Cpush&refresh_token=idt");
    CHECK(asked[0].query.empty());
}

TEST_CASE_METHOD(ClientFixture, "a registry token is used as it is") {
    test::FaultServer server([](const test::HttpRequest& request) -> test::HttpReply {
        if (request.header("authorization") == "Bearer ready-made") return {200, {}, manifest};
        return {401, {{"WWW-Authenticate", "Bearer realm=\"https://nowhere.invalid/\""}}, ""};
    });
    auth_file(R"({"auths":{")" + server.host() + R"(":{"registrytoken":"ready-made"}}})");
    CHECK(pull_manifest(server.host() + "/app") == manifest);
}

TEST_CASE_METHOD(ClientFixture, "Basic authentication sends user name and password after the challenge") {
    FakeRegistry registry(Login::basic);
    registry.add_manifest("app", "latest", manifest);
    login(registry.host(), "bob", "secret");
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    auto asked = registry.requests();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].header("authorization").empty());
    CHECK(asked[1].header("authorization") == "Basic " + base64_encode("bob:secret"));
}

TEST_CASE_METHOD(ClientFixture, "a wrong password is an error that names the remedy, without a retry") {
    for (Login kind : {Login::basic, Login::token}) {
        FakeRegistry registry(kind);
        login(registry.host(), "bob", "wrong");
        Client client(options);
        auto source = client.image(oci::Reference::parse(registry.reference("app")));
        auto error = error_of([&] { source->root_manifest({}); });
        CHECK(error.kind() == ErrorKind::unauthorized);
        CHECK(error.message() == registry.host() + " refuses the user name or password of \"bob\"");
        CHECK(error.hint() == fmt::format("check `docker login {}` or --authfile", registry.host()));
        CHECK(registry.requests().size() <= 2);
    }
}

TEST_CASE_METHOD(ClientFixture, "a private image without credentials does not exist, or wants a login") {
    for (Login kind : {Login::basic, Login::token}) {
        FakeRegistry registry(kind);
        auto error = error_of([&] { pull_manifest(registry.reference("app")); });
        CHECK(error.kind() == ErrorKind::unauthorized);
        CHECK(error.message() ==
              fmt::format("image {0}/app:latest does not exist, or {0} wants a login for it", registry.host()));
        CHECK(error.hint() ==
              fmt::format("check the name, or log in with `docker login {}` or --authfile", registry.host()));
    }
}

TEST_CASE_METHOD(ClientFixture, "401 to a fresh token is final") {
    test::FaultServer server([](const test::HttpRequest& request) -> test::HttpReply {
        if (request.path == "/token") return {200, {}, R"({"token":"same"})"};
        std::string realm = fmt::format("Bearer realm=\"http://{}/token\"", request.header("host"));
        return {401, {{"WWW-Authenticate", realm}}, ""};
    });
    SECTION("of an anonymous client") {
        CHECK_THAT(error_of([&] { pull_manifest(server.host() + "/app"); }).message(),
                   ContainsSubstring("wants a login for it"));
    }
    SECTION("of somebody known") {
        login(server.host(), "bob", "secret");
        CHECK_THAT(error_of([&] { pull_manifest(server.host() + "/app"); }).message(),
                   ContainsSubstring("does not let \"bob\" pull it"));
    }
    CHECK(server.requests().size() == 4);  // ping, refused, token, refused
    CHECK_THROWS_AS(pull_manifest(server.host() + "/app"), Error);
}

TEST_CASE_METHOD(ClientFixture, "an unknown kind of login is named") {
    test::FaultServer server([](const test::HttpRequest&) -> test::HttpReply {
        return {401, {{"WWW-Authenticate", "Negotiate"}, {"WWW-Authenticate", "NTLM"}}, ""};
    });
    CHECK(error_of([&] { pull_manifest(server.host() + "/app"); }).message() ==
          server.host() + " wants a login of a kind that gbuild does not know (negotiate, ntlm)");
}

TEST_CASE_METHOD(ClientFixture, "a bearer challenge is preferred to a basic one in another header") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    registry.add_manifest("app", "latest", manifest);
    registry.realm = registry.server().url() + "/token\", Basic realm=\"x";
    CHECK(pull_manifest(registry.reference("app")) == manifest);
}

TEST_CASE_METHOD(ClientFixture, "a realm's own query is kept") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    registry.add_manifest("app", "latest", manifest);
    registry.realm = registry.server().url() + "/token?tenant=7";
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    CHECK_THAT(token_requests(registry).at(0).query, ContainsSubstring("tenant=7&service=fake&scope="));
}

TEST_CASE_METHOD(ClientFixture, "a token service in the clear on another host gets nothing") {
    FakeRegistry registry(Login::token);
    login(registry.host(), "bob", "secret");
    registry.realm = "http://tokens.example/token?secret=1";
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.message() ==
          registry.host() + " wants its token fetched in the clear, from http://tokens.example/token");
    CHECK(error.hint() == "if you trust the network, pass --insecure-registry tokens.example");
}

TEST_CASE_METHOD(ClientFixture, "a realm that is no URL is an error") {
    FakeRegistry registry(Login::token);
    registry.realm = "file:///etc/passwd";
    CHECK_THROWS_WITH(pull_manifest(registry.reference("app")), ContainsSubstring("names no usable token service"));
}

TEST_CASE_METHOD(ClientFixture, "threads that need the same token ask for it once") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    std::string content = noise(10'000);
    Digest digest = registry.add_blob(content);
    auto source = image(registry.reference("app"));
    std::vector<MemorySink> sinks(6);
    {
        std::vector<std::jthread> threads;
        for (auto& sink : sinks) {
            threads.emplace_back([&] { source->fetch_blob(blob(digest, content.size()), sink, {}); });
        }
    }
    for (const auto& sink : sinks) CHECK(sink.bytes() == content);
    CHECK(token_requests(registry).size() == 1);
}

namespace {

// As Harbor: a bearer challenge for whoever comes without a token, a password alone for whoever comes with a wrong one.
struct Harbor {
    explicit Harbor(bool takes_password = false) :
        server([this, takes_password](const test::HttpRequest& request) -> test::HttpReply {
            std::string sent = request.header("authorization");
            if (request.path == "/token") return {200, {}, fmt::format(R"({{"token":"token-{}"}})", ++tokens)};
            if (sent == "Bearer token-" + std::to_string(good)) return {200, {}, ClientFixture::manifest};
            if (takes_password && sent == "Basic " + base64_encode("bob:secret")) {
                return {200, {}, ClientFixture::manifest};
            }
            std::string bearer =
                fmt::format("Bearer realm=\"http://{}/token\",service=\"harbor\"", request.header("host"));
            return {401, {{"WWW-Authenticate", sent.empty() ? bearer : "Basic realm=\"harbor\""}}, ""};
        }) {}
    std::string reference() const { return server.host() + "/public/app"; }

    std::atomic<int> tokens = 0, good = 1;
    test::FaultServer server;
};

}  // namespace

TEST_CASE_METHOD(ClientFixture, "a token refused with a password's challenge is fetched anew (S-18)") {
    Harbor harbor;
    bool known = GENERATE(false, true);
    if (known) login(harbor.server.host(), "bob", "secret");
    CHECK(pull_manifest(harbor.reference()) == manifest);
    harbor.good = 2;  // the first one has expired
    CHECK(pull_manifest(harbor.reference()) == manifest);
    CHECK(harbor.tokens == 2);
}

TEST_CASE_METHOD(ClientFixture, "where no token is good, the password is tried before giving up (S-18)") {
    Harbor harbor(true);
    harbor.good = 99;
    login(harbor.server.host(), "bob", "secret");
    CHECK(pull_manifest(harbor.reference()) == manifest);
    CHECK(pull_manifest(harbor.reference()) == manifest);
    CHECK(harbor.tokens == 1);
}

TEST_CASE_METHOD(ClientFixture, "a token that is refused for good is one clear error (S-18)") {
    Harbor harbor;
    harbor.good = 99;
    SECTION("of an anonymous client") {
        auto error = error_of([&] { pull_manifest(harbor.reference()); });
        CHECK(error.kind() == ErrorKind::unauthorized);
        CHECK_THAT(error.message(), ContainsSubstring("wants a login for it"));
        CHECK_THAT(error.hint(), ContainsSubstring("docker login"));
    }
    SECTION("of somebody known") {
        login(harbor.server.host(), "bob", "wrong");
        auto error = error_of([&] { pull_manifest(harbor.reference()); });
        CHECK(error.kind() == ErrorKind::unauthorized);
        CHECK_THAT(error.message(), ContainsSubstring("refuses the user name or password of \"bob\""));
    }
    CHECK(notices().empty());
}

TEST_CASE_METHOD(ClientFixture, "why a stored login was not used stands in the error that wants one (S-12)") {
    FakeRegistry registry(GENERATE(Login::basic, Login::token));
    auth_file(R"({"auths":{")" + registry.host() + R"(":{"auth":"%%%"}}})");
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK_THAT(error.hint(), ContainsSubstring("auth.json\", key \"" + registry.host() + "\" is broken"));
    REQUIRE(notices().size() == 1);
    CHECK(notices()[0] == error.hint());
}

TEST_CASE_METHOD(ClientFixture, "a broken login does not stop an anonymous pull (S-12)") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    registry.add_manifest("app", "latest", manifest);
    auth_file(R"({"auths":{")" + registry.host() + R"(":{"auth":"bm9jb2xvbg=="}}})");
    CHECK(pull_manifest(registry.reference("app")) == manifest);
}

TEST_CASE_METHOD(ClientFixture, "a token service on another site gets the login only where it is named (X-16)") {
    FakeRegistry registry(Login::token), tokens(Login::token);
    // The proxy stands for the whole of the network.
    registry.realm = "http://tokens.elsewhere.example/token";
    options.insecure = {"tokens.elsewhere.example"};
    login(registry.host(), "bob", "secret");
    registry.fault("elsewhere", faults::status(401));
    ::setenv("http_proxy", registry.server().url().c_str(), 1);
    bool named = GENERATE(false, true);
    if (named) options.token_hosts[registry.host()] = {"tokens.elsewhere.example"};
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    ::unsetenv("http_proxy");
    bool sent = false;
    for (const auto& request : registry.server().requests()) {
        if (request.target.find("elsewhere") == std::string::npos) continue;
        sent = sent || !request.header("authorization").empty() || request.query.find("bob") != std::string::npos;
    }
    CHECK(sent == named);
    if (!named) CHECK_THAT(error.hint(), ContainsSubstring("token service tokens.elsewhere.example"));
}
