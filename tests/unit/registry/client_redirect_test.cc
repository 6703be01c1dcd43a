#include <fmt/format.h>

#include "client_fixture.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

// A registry with Basic authentication that sends its blobs' readers to another server.
class RedirectFixture : public ClientFixture {
  public:
    RedirectFixture() : content(noise(80'000)), digest(registry.add_blob(content)) {
        cdn.add_blob(content);
        login(registry.host(), "bob", "secret");
    }
    void redirect_next(const std::string& url, int status = 307) {
        registry.fault("blobs/", faults::redirect(url, status));
    }
    std::string cdn_url(const std::string& signature = "one") const {
        return fmt::format("{}/v2/x/blobs/{}?signature={}", cdn.server().url(), digest.text(), signature);
    }
    std::string pull() { return pull_blob(registry.reference("app"), digest, content.size()); }

    FakeRegistry registry{Login::basic};
    FakeRegistry cdn;
    std::string content;
    Digest digest;
};

}  // namespace

TEST_CASE_METHOD(RedirectFixture, "a redirect to another host is followed without Authorization") {
    for (int status : {301, 302, 303, 307, 308}) {
        redirect_next(cdn_url(), status);
        CHECK(pull() == content);
    }
    auto asked = cdn.requests();
    REQUIRE(asked.size() == 5);
    for (const auto& request : asked) {
        CHECK(request.header("authorization").empty());
        CHECK(request.query == "signature=one");
    }
    CHECK_FALSE(registry.requests().back().header("authorization").empty());
}

TEST_CASE_METHOD(RedirectFixture, "a redirect within the registry keeps Authorization") {
    redirect_next("/v2/other/blobs/" + digest.text());
    CHECK(pull() == content);
    CHECK_FALSE(registry.requests("other").at(0).header("authorization").empty());
}

TEST_CASE_METHOD(RedirectFixture, "Authorization does not come back with a second redirect") {
    redirect_next(cdn_url());
    cdn.fault("blobs/", faults::redirect(registry.server().url() + "/v2/back/blobs/" + digest.text()));
    auto error = error_of([&] { pull(); });
    CHECK(registry.requests("back").at(0).header("authorization").empty());
    CHECK(error.kind() == ErrorKind::unauthorized);
}

TEST_CASE_METHOD(RedirectFixture, "another host's 401 is not answered") {
    options.max_attempts = 1;
    redirect_next(cdn_url());
    cdn.fault("blobs/", faults::status(401, {{"WWW-Authenticate", "Basic realm=\"give me\""}}));
    auto error = error_of([&] { pull(); });
    CHECK_THAT(error.message(),
               ContainsSubstring(fmt::format("{}, where {} sends for blob ", cdn.host(), registry.host())));
    CHECK_THAT(error.message(), ContainsSubstring("refuses it (status 401)"));
    CHECK(cdn.requests().size() == 1);
    CHECK(cdn.requests()[0].header("authorization").empty());
}

TEST_CASE_METHOD(RedirectFixture, "a signed URL that has expired leads back to the registry for another (S-9)") {
    auto status = GENERATE(403, 400, 401, 410);
    redirect_next(cdn_url("old"));
    redirect_next(cdn_url("new"));
    cdn.fault("blobs/", faults::status(status));
    SECTION("at the first request") {
        CHECK(pull() == content);
        REQUIRE(cdn.requests().size() == 2);
        CHECK(cdn.requests()[1].query == "signature=new");
    }
    SECTION("in mid-download") {
        MemorySink sink;
        sink.hold(content.substr(0, 30'000));
        image(registry.reference("app"))->fetch_blob(blob(digest, content.size()), sink, {});
        CHECK(sink.bytes() == content);
        CHECK(cdn.requests()[1].header("range") == "bytes=30000-");
    }
}

TEST_CASE_METHOD(RedirectFixture, "a manifest's signed URL that has expired is asked for anew, too (S-9)") {
    Digest wanted = cdn.add_manifest("app", "latest", manifest, "binary/octet-stream");
    std::string url = cdn.server().url() + "/v2/app/manifests/latest?signature=";
    registry.fault("manifests/", faults::redirect(url + "old"));
    registry.fault("manifests/", faults::redirect(url + "new"));
    cdn.fault("manifests/", faults::status(403));
    ManifestDocument document = image(registry.reference("app"))->root_manifest({});
    CHECK(document.digest == wanted);
    CHECK(document.media_type == "binary/octet-stream");
    CHECK(cdn.requests().back().query == "signature=new");
}

TEST_CASE_METHOD(RedirectFixture, "storage that goes on refusing is asked a bounded number of times (S-9)") {
    options.max_attempts = 3;
    for (int i = 0; i < 5; i++) {
        redirect_next(cdn_url());
        cdn.fault("blobs/", faults::status(403));
    }
    auto error = error_of([&] { pull(); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK_THAT(error.message(), ContainsSubstring("refuses it (status 403) (tried 3 times)"));
    CHECK_THAT(error.hint(), ContainsSubstring("clock"));
    CHECK(cdn.requests().size() == 3);
}

TEST_CASE_METHOD(RedirectFixture, "the registry's own 403 is final, after a redirect within it, too (S-9)") {
    SECTION("at once") { registry.fault("blobs/", faults::status(403)); }
    SECTION("after a redirect") {
        redirect_next("/v2/other/blobs/" + digest.text());
        registry.fault("other/blobs/", faults::status(403));
    }
    auto error = error_of([&] { pull(); });
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK_THAT(error.message(), ContainsSubstring("forbids pulling"));
    CHECK(notices().empty());
}

TEST_CASE_METHOD(RedirectFixture, "a download that breaks behind a signed URL starts again at the registry") {
    redirect_next(cdn_url("one"));
    redirect_next(cdn_url("two"));
    cdn.fault("blobs/", faults::cut(30'000));
    CHECK(pull() == content);
    auto asked = cdn.requests();
    REQUIRE(asked.size() == 2);
    CHECK(asked[1].query == "signature=two");
    CHECK(asked[1].header("range") == "bytes=30000-");
}

TEST_CASE_METHOD(RedirectFixture, "redirects are counted") {
    for (int i = 0; i < 30; i++) redirect_next("/v2/app/blobs/" + digest.text());
    auto error = error_of([&] { pull(); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK_THAT(error.message(), ContainsSubstring("redirects more than 8 times"));
}

TEST_CASE_METHOD(RedirectFixture, "a redirect without a usable location is an error") {
    redirect_next("file:///etc/passwd");
    CHECK_THROWS_WITH(pull(), ContainsSubstring("redirects to nowhere (status 307)"));
    registry.fault("blobs/", faults::status(302));
    CHECK_THROWS_WITH(pull(), ContainsSubstring("redirects to nowhere (status 302)"));
}

TEST_CASE_METHOD(RedirectFixture, "errors behind a signed URL do not repeat its signature") {
    auto status = GENERATE(400, 402);
    options.max_attempts = 1;
    redirect_next(cdn_url("verysecret"));
    cdn.fault("blobs/", faults::status(status));
    auto error = error_of([&] { pull(); });
    CHECK_THAT(error.message(), !ContainsSubstring("verysecret"));
    CHECK_THAT(error.message(), ContainsSubstring(cdn.host()));
}

TEST_CASE_METHOD(ClientFixture, "the token service's redirect to another host gets no password") {
    FakeRegistry registry(Login::token), thief;
    login(registry.host(), "bob", "secret");
    registry.fault("/token", faults::redirect(thief.server().url() + "/token"));
    CHECK_THROWS_AS(pull_manifest(registry.reference("app")), Error);
    for (const auto& request : thief.server().requests()) CHECK(request.header("authorization").empty());
    CHECK(thief.server().requests().size() == 1);
}
