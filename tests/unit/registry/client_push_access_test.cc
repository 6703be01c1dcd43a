// Who may push, and where to.
#include <fmt/format.h>

#include "gbuild/registry/url.h"
#include "push_fixture.h"

using namespace gbuild;
using namespace gbuild::registry;

TEST_CASE_METHOD(PushFixture, "a refusal says what the registry said") {
    registry.fault("manifests/", [](const test::HttpRequest&, test::HttpReply& reply) {
        reply = {};
        reply.status = 400;
        reply.body = R"({"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]})";
    });
    auto error = error_of([&] { destination(registry.reference("app"))->put_manifest(manifest, "a/b", {}); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK(error.message() == fmt::format("{} does not take manifest {} (status 400: blob unknown to registry)",
                                         registry.host(), registry.reference("app")));
}

TEST_CASE_METHOD(PushFixture, "a registry that forbids pushing is told apart") {
    registry.fault("blobs/", faults::status(403));
    auto error = error_of([&] { push(); });
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK(error.message() ==
          fmt::format("{0} forbids pushing blob {1} of {0}/app:latest", registry.host(), digest.text()));
}

TEST_CASE_METHOD(PushFixture, "mirrors take no part in a push") {
    FakeRegistry mirror;
    options.mirrors[registry.host()] = {mirror.host()};
    push();
    CHECK(registry.blob(digest) == content);
    CHECK(mirror.server().requests().empty());
}

TEST_CASE_METHOD(PushFixture, "user name and password go with every request") {
    FakeRegistry closed(Login::basic);
    login(closed.host(), "bob", "secret");
    push(closed, content);
    CHECK(closed.blob(digest) == content);
}

TEST_CASE_METHOD(PushFixture, "a push without credentials names the remedy") {
    FakeRegistry closed(Login::basic);
    auto error = error_of([&] { push(closed, content); });
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK(error.message() ==
          fmt::format("{0} wants a login to push blob {1} of {0}/app:latest", closed.host(), digest.text()));
    CHECK_THAT(error.hint(), ContainsSubstring("docker login"));
}

TEST_CASE_METHOD(PushFixture, "a token for looking is not kept from being one for pushing") {
    FakeRegistry closed(Login::token);
    closed.needs_push_scope = true;
    login(closed.host(), "bob", "secret");
    auto target = destination(closed.reference("app"));
    CHECK_FALSE(target->has_blob(blob(digest, content.size()), {}));
    target->put_blob(blob(digest, content.size()), TextContent(content), {});
    CHECK(closed.blob(digest) == content);
    auto all = token_requests(closed);
    REQUIRE(all.size() == 1);
    CHECK_THAT(all[0].query, ContainsSubstring("scope=repository%3Aapp%3Apull%2Cpush"));
}

TEST_CASE_METHOD(PushFixture, "a pull's token does not stand in the way of a push") {
    FakeRegistry closed(Login::token);
    closed.needs_push_scope = true;
    closed.add_manifest("app", "latest", manifest);
    login(closed.host(), "bob", "secret");
    CHECK(pull_manifest(closed.reference("app")) == manifest);
    push(closed, content);
    CHECK(closed.blob(digest) == content);
}

TEST_CASE_METHOD(PushFixture, "a token that expires in mid-upload is renewed, and the chunk sent again") {
    FakeRegistry closed(Login::token);
    login(closed.host(), "bob", "secret");
    auto target = destination(closed.reference("app"));
    bool revoked = false;
    target->put_blob(blob(digest, content.size()), TextContent(content), {}, [&](uint64_t sent) {
        if (sent > 64'000 && !std::exchange(revoked, true)) closed.revoke_tokens();
    });
    CHECK(closed.blob(digest) == content);
    CHECK(notices().empty());
}

TEST_CASE_METHOD(PushFixture, "somebody who may not push is told so") {
    FakeRegistry closed(Login::token);
    closed.needs_push_scope = true;
    closed.grants_push = false;
    login(closed.host(), "bob", "secret");
    auto error = error_of([&] { push(closed, content); });
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK(error.message() ==
          fmt::format("{0} does not let \"bob\" push blob {1} of {0}/app:latest", closed.host(), digest.text()));
}

TEST_CASE_METHOD(PushFixture, "an upload that is sent to another host goes there without credentials") {
    FakeRegistry closed(Login::basic), storage;
    login(closed.host(), "bob", "secret");
    std::string there = storage.server().url() + "/v2/x/blobs/uploads/1?signature=s3cret";
    closed.fault("uploads/", faults::header("Location", there));
    storage.fault("uploads/", faults::status(201));
    push(closed, "small");
    auto sent = storage.requests("uploads/").at(0);
    CHECK(sent.method == "PUT");
    CHECK(sent.body == "small");
    CHECK(sent.header("authorization").empty());
    CHECK(sent.query == "signature=s3cret&digest=" + percent_encoded(Digest::of("small").text()));
}

TEST_CASE_METHOD(PushFixture, "what another host says is told without the secrets of its URL") {
    FakeRegistry storage;
    for (int status : {401, 403, 400}) {
        std::string there = storage.server().url() + "/v2/x/blobs/uploads/1?signature=s3cret";
        registry.fault("uploads/", faults::header("Location", there));
        storage.fault("uploads/", faults::status(status));
        auto error = error_of([&] { push(registry, "small"); });
        CHECK_THAT(error.message(), ContainsSubstring(storage.host()) && !ContainsSubstring("s3cret"));
    }
}

TEST_CASE_METHOD(PushFixture, "a Location may be absolute") {
    registry.upload_base = registry.server().url();
    push();
    CHECK(registry.blob(digest) == content);
    CHECK(steps() == whole_in_chunks);
}

TEST_CASE_METHOD(PushFixture, "an upload must be told where it goes") {
    registry.fault("uploads/", faults::status(202));
    auto error = error_of([&] { push(); });
    CHECK_THAT(error.message(), ContainsSubstring("does not say where to send blob"));
    registry.fault("uploads/", faults::header("Location", "ftp://bob:s3cret@127.0.0.1/x?signature=s3cret"));
    error = error_of([&] { push(); });
    CHECK_THAT(error.message(), ContainsSubstring("sent to nowhere: \"ftp://***@127.0.0.1/x\""));
}

TEST_CASE_METHOD(PushFixture, "a body follows a 307, but no 302") {
    FakeRegistry other;
    registry.fault("manifests/", faults::redirect(other.server().url() + "/v2/app/manifests/latest", 307));
    auto target = destination(registry.reference("app"));
    target->put_manifest(manifest, "a/b", {});
    CHECK(other.manifest("app", "latest") == manifest);
    registry.fault("manifests/", faults::redirect(other.server().url() + "/v2/app/manifests/latest", 302));
    auto error = error_of([&] { target->put_manifest(manifest, "a/b", {}); });
    CHECK_THAT(error.message(), ContainsSubstring("(status 302)"));
}
