#include <fmt/format.h>

#include "client_fixture.h"
#include "gbuild/oci/manifest.h"

using namespace gbuild;
using namespace gbuild::registry;

TEST_CASE_METHOD(ClientFixture, "a manifest is pulled by tag with its type and digest") {
    FakeRegistry registry;
    Digest digest = registry.add_manifest("team/app", "1.0", manifest);
    auto document = image(registry.reference("team/app", "1.0"))->root_manifest({});
    CHECK(document.json == manifest);
    CHECK(document.media_type == "application/vnd.oci.image.manifest.v1+json");
    CHECK(document.digest == digest);
    auto asked = registry.requests();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].path == "/v2/team/app/manifests/1.0");
    CHECK(asked[0].header("accept") == oci::manifest_accept());
}

TEST_CASE_METHOD(ClientFixture, "a reference with a digest is asked for by digest, and checked") {
    FakeRegistry registry;
    Digest digest = registry.add_manifest("app", "latest", manifest);
    std::string reference = fmt::format("{}/app@{}", registry.host(), digest.text());
    CHECK(pull_manifest(reference) == manifest);
    registry.fault("manifests/", faults::body(R"({"schemaVersion":2,"evil":1})"));
    auto error = error_of([&] { pull_manifest(reference); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(error.message() == fmt::format("image {} has digest {}, but the reference says {}", reference,
                                         Digest::of(R"({"schemaVersion":2,"evil":1})").text(), digest.text()));
}

TEST_CASE_METHOD(ClientFixture, "a sha512 reference is checked with sha512") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    Hasher hasher(HashAlgorithm::sha512);
    hasher.update(manifest);
    std::string right = "sha512:" + hasher.finish_hex(), wrong = "sha512:" + std::string(128, '0');
    for (int i = 0; i < 2; i++) {
        registry.fault("sha512", [](const test::HttpRequest&, test::HttpReply& reply) { reply = {200, {}, manifest}; });
    }
    CHECK(pull_manifest(registry.host() + "/app@" + right) == manifest);
    CHECK(error_of([&] { pull_manifest(registry.host() + "/app@" + wrong); }).kind() == ErrorKind::integrity);
}

TEST_CASE_METHOD(ClientFixture, "a Docker-Content-Digest that disagrees with the body is refused") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    registry.fault("manifests/", faults::header("Docker-Content-Digest", Digest::of("other").text()));
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("but " + registry.host() + " says " + Digest::of("other").text()));
}

TEST_CASE_METHOD(ClientFixture, "a Docker-Content-Digest that is none is passed over") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    registry.fault("manifests/", faults::header("Docker-Content-Digest", "md5:nonsense"));
    CHECK(pull_manifest(registry.reference("app")) == manifest);
}

TEST_CASE_METHOD(ClientFixture, "a manifest of an index is checked for size and digest") {
    FakeRegistry registry;
    Digest digest = registry.add_manifest("app", "latest", manifest);
    auto source = image(registry.reference("app"));
    CHECK(source->manifest(blob(digest, manifest.size()), {}).json == manifest);
    auto error = error_of([&] { source->manifest(blob(digest, manifest.size() + 1), {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("has 19 bytes, but its index says 20"));
}

TEST_CASE_METHOD(ClientFixture, "an absent image is not_found, at once, and names its registry") {
    FakeRegistry registry;
    auto error = error_of([&] { pull_manifest(registry.reference("nothing", "here")); });
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK(error.message() == fmt::format("{0} has no image {0}/nothing:here", registry.host()));
    CHECK(error.hint() == "check the name and the tag");
    CHECK(registry.requests().size() == 1);
}

TEST_CASE_METHOD(ClientFixture, "garbage instead of a manifest is refused") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", "<html>Please log in to the hotel network</html>");
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("something that is no manifest"));
}

TEST_CASE_METHOD(ClientFixture, "a manifest beyond the cap is refused") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", "{" + std::string(oci::max_manifest_size, ' ') + "}");
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::limit);
    CHECK_THAT(error.message(), ContainsSubstring("is larger than 16.8 MB"));
}

TEST_CASE_METHOD(ClientFixture, "a manifest of four megabytes is taken") {
    FakeRegistry registry;
    std::string large = "{" + std::string(4u << 20, ' ') + "}";
    registry.add_manifest("app", "latest", large);
    CHECK(pull_manifest(registry.reference("app")) == large);
}

TEST_CASE_METHOD(ClientFixture, "server errors, time-outs and resets are tried again") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    registry.fault("manifests/", faults::status(500));
    registry.fault("manifests/", faults::status(408));
    registry.fault("manifests/", faults::cut(3, test::Ending::reset));
    registry.fault("manifests/", faults::status(503));
    CHECK(pull_manifest(registry.reference("app")) == manifest);
    CHECK(registry.requests().size() == 5);
    REQUIRE(notices().size() == 4);
    CHECK_THAT(notices()[0], ContainsSubstring(registry.host() + " failed with status 500"));
}

TEST_CASE_METHOD(ClientFixture, "a server that keeps failing is given up") {
    FakeRegistry registry;
    for (int i = 0; i < 9; i++) registry.fault("manifests/", faults::status(502));
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK(error.message() == registry.host() + " failed with status 502 (tried 5 times)");
    CHECK(registry.requests().size() == 5);
}

TEST_CASE_METHOD(ClientFixture, "429 with Retry-After is waited for") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    registry.fault("manifests/", faults::status(429, {{"Retry-After", "0"}}));
    CHECK(pull_manifest(registry.reference("app")) == manifest);
}

TEST_CASE_METHOD(ClientFixture, "429 with a long Retry-After says when the limit resets") {
    FakeRegistry registry;
    registry.fault("manifests/", faults::status(429, {{"Retry-After", "3600"}}));
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK_THAT(error.message(), ContainsSubstring("limits the number of requests (status 429); the limit resets in "
                                                  "3600 s, at 20"));
    CHECK_THAT(error.hint(), ContainsSubstring("--registry-mirror"));
    CHECK(registry.requests().size() == 1);
}

TEST_CASE_METHOD(ClientFixture, "403 is not tried again and repeats the registry's words") {
    FakeRegistry registry;
    registry.fault("manifests/", [](const test::HttpRequest&, test::HttpReply& reply) {
        reply = {403, {}, R"({"errors":[{"code":"DENIED","message":"plan\u0007 expired"}]})"};
    });
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK(error.message() ==
          fmt::format("{0} forbids pulling image {0}/app:latest: plan\\x07 expired", registry.host()));
    CHECK(registry.requests().size() == 1);
}

TEST_CASE_METHOD(ClientFixture, "headers without end are refused") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    registry.fault("manifests/", faults::endless_header());
    auto error = error_of([&] { pull_manifest(registry.reference("app")); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK(error.message() == registry.host() + " answered with headers beyond all measure");
}

TEST_CASE_METHOD(ClientFixture, "one header line without end is refused") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    registry.fault("manifests/", faults::header("X-Long", std::string(1u << 20, 'x')));
    CHECK(error_of([&] { pull_manifest(registry.reference("app")); }).message() ==
          registry.host() + " answered with headers beyond all measure");
}

TEST_CASE_METHOD(ClientFixture, "an error page without end does not keep the client") {
    FakeRegistry registry;
    registry.fault("manifests/", [](const test::HttpRequest&, test::HttpReply& reply) {
        reply = {404, {{"Content-Length", "1000000000000"}}, std::string(4u << 20, 'x')};
    });
    CHECK(error_of([&] { pull_manifest(registry.reference("app")); }).kind() == ErrorKind::not_found);
}

TEST_CASE_METHOD(ClientFixture, "a registry that is not there is a network error that names it") {
    std::string host;
    {
        test::FaultServer gone([](const test::HttpRequest&) { return test::HttpReply{}; });
        host = gone.host();
    }
    auto error = error_of([&] { pull_manifest(host + "/app"); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK_THAT(error.message(), ContainsSubstring("transfer from " + host + " failed: "));
    CHECK_THAT(error.message(), ContainsSubstring("(tried 5 times)"));
}

TEST_CASE_METHOD(ClientFixture,
                 "an unknown host is looked up once more at most, then an error that says what to check (S-28)") {
    auto error = error_of([&] { pull_manifest("registry.invalid/app"); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK(error.message() == "unknown host \"registry.invalid\" (tried 2 times)");
    CHECK(notices().size() == 1);
    CHECK(error.hint() == "check the name and the network; behind a proxy, set HTTPS_PROXY");
}

TEST_CASE_METHOD(ClientFixture, "connections are used again") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    for (int i = 0; i < 4; i++) pull_manifest(registry.reference("app"));
    CHECK(registry.requests().back().connection == 1);
}

namespace {

// {"schemaVersion":2}, compressed.
constexpr unsigned char gzipped[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xab, 0x56, 0x2a,
                                     0x4e, 0xce, 0x48, 0xcd, 0x4d, 0x0c, 0x4b, 0x2d, 0x2a, 0xce, 0xcc, 0xcf, 0x53,
                                     0xb2, 0x32, 0xaa, 0x05, 0x00, 0xc6, 0xf8, 0x27, 0x72, 0x13, 0x00, 0x00, 0x00};
constexpr unsigned char zstandard[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x99, 0x00, 0x00, 0x7b, 0x22,
                                       0x73, 0x63, 0x68, 0x65, 0x6d, 0x61, 0x56, 0x65, 0x72, 0x73, 0x69,
                                       0x6f, 0x6e, 0x22, 0x3a, 0x32, 0x7d, 0x89, 0x8a, 0x0a, 0x31};

template <size_t size>
std::string text_of(const unsigned char (&bytes)[size]) {
    return std::string(bytes, bytes + size);
}

test::Fault encoded(const std::string& coding, std::string body) {
    return [=](const test::HttpRequest&, test::HttpReply& reply) {
        reply.headers.emplace_back("Content-Encoding", coding);
        reply.body = body;
    };
}

}  // namespace

TEST_CASE_METHOD(ClientFixture, "a manifest that comes compressed, unasked, is inflated (S-19)") {
    auto [coding, body] = GENERATE(table<std::string, std::string>({{"gzip", text_of(gzipped)},
                                                                    {"x-gzip", text_of(gzipped)},
                                                                    {"GZip", text_of(gzipped)},
                                                                    {"zstd", text_of(zstandard)},
                                                                    {"gzip", ClientFixture::manifest},
                                                                    {"br", ClientFixture::manifest},
                                                                    {"identity", ClientFixture::manifest}}));
    FakeRegistry registry;
    Digest digest = registry.add_manifest("app", "latest", manifest);
    registry.fault("manifests/", encoded(coding, body));
    SECTION("by tag") { CHECK(pull_manifest(registry.reference("app")) == manifest); }
    SECTION("by digest") { CHECK(pull_manifest(registry.host() + "/app@" + digest.text()) == manifest); }
}

TEST_CASE_METHOD(ClientFixture, "a manifest in a coding that cannot be undone is refused by its name (S-19)") {
    FakeRegistry registry;
    registry.add_manifest("app", "latest", manifest);
    SECTION("unknown") {
        registry.fault("manifests/", encoded("br", "\x01\x02"));
        CHECK_THAT(error_of([&] { pull_manifest(registry.reference("app")); }).message(),
                   ContainsSubstring("with the content coding \"br\", which it was not asked for"));
    }
    SECTION("damaged") {
        registry.fault("manifests/", encoded("gzip", text_of(gzipped).substr(0, 25)));
        auto error = error_of([&] { pull_manifest(registry.reference("app")); });
        CHECK(error.kind() == ErrorKind::integrity);
    }
    SECTION("not compressed at all") {
        registry.fault("manifests/", encoded("gzip", "<html>"));
        CHECK(error_of([&] { pull_manifest(registry.reference("app")); }).kind() == ErrorKind::integrity);
    }
}
