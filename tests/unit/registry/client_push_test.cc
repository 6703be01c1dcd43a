#include <fcntl.h>

#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "gbuild/registry/url.h"
#include "push_fixture.h"

using namespace gbuild;
using namespace gbuild::registry;

TEST_CASE_METHOD(PushFixture, "a small blob is sent in one piece") {
    push(registry, "small");
    CHECK(registry.blob(Digest::of("small")) == "small");
    CHECK(steps() == Steps{"POST", "PUT 5"});
    CHECK(registry.requests("blobs/")[0].path == "/v2/app/blobs/uploads/");
    CHECK(registry.requests("blobs/")[0].header("content-length") == "0");
    CHECK(seen == 5);
}

TEST_CASE_METHOD(PushFixture, "a blob of no bytes is sent") {
    push(registry, "");
    CHECK(registry.blob(Digest::of("")) == "");
}

TEST_CASE_METHOD(PushFixture, "a large blob is sent in chunks") {
    push();
    CHECK(registry.blob(digest) == content);
    CHECK(steps() == whole_in_chunks);
    CHECK(seen == content.size());
}

TEST_CASE_METHOD(PushFixture, "a registry may want larger chunks") {
    registry.chunk_minimum = "150000";
    push();
    CHECK(registry.blob(digest) == content);
    CHECK(steps() == Steps{"POST", "PATCH 0-149999", "PATCH 150000-199999", "PUT 0"});
}

TEST_CASE_METHOD(PushFixture, "chunks larger than any blob are one chunk") {
    registry.chunk_minimum = "18446744073709551615";
    push();
    CHECK(registry.blob(digest) == content);
    CHECK(steps() == Steps{"POST", "PATCH 0-199999", "PUT 0"});
}

TEST_CASE_METHOD(PushFixture, "a stretch of a file is sent") {
    auto path = directory() / "file";
    write_file_atomically(path, "before" + content + "after");
    FileContent stretch(std::make_shared<const UniqueFd>(open_file(path, O_RDONLY)), 6, content.size());
    destination(registry.reference("app"))->put_blob(blob(digest, content.size()), stretch, {});
    CHECK(registry.blob(digest) == content);
}

TEST_CASE_METHOD(PushFixture, "a connection cut in mid-chunk is gone on with from what arrived") {
    registry.cut_body("uploads/", 30'000);
    push();
    CHECK(registry.blob(digest) == content);
    CHECK(steps() == Steps{"POST", "PATCH 0-63999", "GET", "PATCH 30000-93999", "PATCH 94000-157999",
                           "PATCH 158000-199999", "PUT 0"});
    CHECK(notices().size() == 1);
}

TEST_CASE_METHOD(PushFixture, "an upload whose state the registry does not tell is begun again") {
    for (int status : {404, 416, 405}) {
        FakeRegistry forgetful;
        forgetful.cut_body("uploads/", 30'000);
        // The cut request's answer is for nobody.
        forgetful.fault("uploads/upload", faults::status(200));
        forgetful.fault("uploads/upload", faults::status(status));
        push(forgetful, content);
        CHECK(forgetful.blob(digest) == content);
        auto done = steps(forgetful);
        REQUIRE(done.size() == 3 + whole_in_chunks.size());
        CHECK(Steps(done.begin(), done.begin() + 3) == Steps{"POST", "PATCH 0-63999", "GET"});
        CHECK(Steps(done.begin() + 3, done.end()) == whole_in_chunks);
    }
}

TEST_CASE_METHOD(PushFixture, "nonsense about what arrived leads to a new beginning") {
    for (const char* range : {"", "0-", "5-10", "0-200000", "0-99999999999999999999", "0-18446744073709551615", "x"}) {
        CAPTURE(range);
        FakeRegistry confused;
        confused.cut_body("uploads/", 30'000);
        confused.fault("uploads/upload", faults::status(200));
        confused.fault("uploads/upload", faults::header("Range", range));
        push(confused, content);
        CHECK(confused.blob(digest) == content);
    }
}

TEST_CASE_METHOD(PushFixture, "a blob in one piece is sent again when its connection is cut") {
    registry.cut_body("uploads/", 1000);
    push(registry, content.substr(0, 60'000));
    CHECK(registry.blob(Digest::of(content.substr(0, 60'000))));
    CHECK(steps() == Steps{"POST", "PUT 60000", "HEAD", "POST", "PUT 60000"});
}

TEST_CASE_METHOD(PushFixture, "a lost answer to the last request is no reason to send the blob again") {
    registry.fault("uploads/upload", faults::no_answer());
    push(registry, "small");
    CHECK(steps() == Steps{"POST", "PUT 5", "HEAD"});
}

TEST_CASE_METHOD(PushFixture, "server errors are survived") {
    registry.fault("blobs/uploads/", faults::status(503));
    registry.fault("blobs/uploads/upload", faults::status(500));
    push();
    CHECK(registry.blob(digest) == content);
    // The registry took the chunk that it answered with 500.
    CHECK(steps() == Steps{"POST", "POST", "PATCH 0-63999", "GET", "PATCH 64000-127999", "PATCH 128000-191999",
                           "PATCH 192000-199999", "PUT 0"});
}

TEST_CASE_METHOD(PushFixture, "a server that fails for ever is given up") {
    for (int i = 0; i < 40; i++) registry.fault("blobs/uploads/", faults::status(500));
    auto error = error_of([&] { push(); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK(error.message() == registry.host() + " failed with status 500 (tried 5 times)");
}

TEST_CASE_METHOD(PushFixture, "an upload that gets nowhere is given up, however often it begins") {
    // Takes the first chunk each time, then forgets it all.
    std::string large = noise(5u << 20);
    options.upload_chunk = 2u << 20;
    for (int i = 0; i < 40; i++) {
        registry.fault("uploads/upload", [](const test::HttpRequest& request, test::HttpReply& reply) {
            if (!request.header("content-range").starts_with("0-"))
                reply.status = request.method == "PATCH" ? 500 : 404;
        });
    }
    auto error = error_of([&] { push(registry, large); });
    CHECK_THAT(error.message(), ContainsSubstring("(tried 5 times)"));
}

TEST_CASE_METHOD(PushFixture, "a registry that takes no chunks gets the blob in one piece") {
    for (int status : {400, 404, 405, 416}) {
        FakeRegistry simple;
        simple.fault("uploads/upload", faults::status(status));
        push(simple, content);
        CHECK(simple.blob(digest) == content);
        CHECK(steps(simple) == Steps{"POST", "PATCH 0-63999", "POST", "PUT 200000"});
    }
    CHECK(notices().empty());
}

TEST_CASE_METHOD(PushFixture, "what arrived is what the registry says") {
    // The fake one does not mean it, and gets the blob in one piece when it has refused the next chunk.
    registry.fault("uploads/upload", faults::header("Range", "0-49999"));
    push();
    CHECK(registry.blob(digest) == content);
    CHECK(steps() == Steps{"POST", "PATCH 0-63999", "PATCH 50000-113999", "POST", "PUT 200000"});
}

TEST_CASE_METHOD(PushFixture, "bytes damaged on the way are sent again") {
    registry.fault("uploads/upload", faults::status(400, {}));
    registry.fault("uploads/upload", [](const test::HttpRequest&, test::HttpReply& reply) {
        reply = {};
        reply.status = 400;
        reply.body = R"({"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]})";
    });
    push();
    CHECK(registry.blob(digest) == content);
    REQUIRE(notices().size() == 1);
    CHECK_THAT(notices()[0], ContainsSubstring("got other bytes than were sent as blob " + digest.text()));
}

TEST_CASE_METHOD(PushFixture, "bytes that are always damaged on the way are an integrity error") {
    for (int i = 0; i < 5; i++) {
        registry.fault("uploads/upload", faults::header("Docker-Content-Digest", Digest::of("other").text()));
    }
    auto error = error_of([&] { push(registry, "small"); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("(tried 5 times)"));
}

TEST_CASE_METHOD(PushFixture, "bytes that are damaged here are not sent again") {
    TextContent wrong(std::string(content.size(), 'x'));
    auto error =
        error_of([&] { destination(registry.reference("app"))->put_blob(blob(digest, content.size()), wrong, {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("it is damaged on this machine"));
    CHECK(steps() == whole_in_chunks);
    CHECK_FALSE(registry.blob(digest));
}

TEST_CASE_METHOD(PushFixture, "content of another size is refused before anything is sent") {
    TextContent small("small");
    auto error = error_of([&] { destination(registry.reference("app"))->put_blob(blob(digest, 6), small, {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(registry.server().requests().empty());
}

TEST_CASE_METHOD(PushFixture, "a file that cannot be read ends the upload") {
    class Broken : public BlobContent {
      public:
        uint64_t size() const override { return 5; }
        void read(uint64_t, std::span<std::byte>) const override { throw Error(ErrorKind::io, "disk gone"); }
    } broken;
    auto error = error_of([&] { destination(registry.reference("app"))->put_blob(blob(digest, 5), broken, {}); });
    CHECK(error.kind() == ErrorKind::io);
    CHECK(error.message() == "disk gone");
}

TEST_CASE_METHOD(PushFixture, "a push is stopped at once") {
    std::stop_source stop;
    auto target = destination(registry.reference("app"));
    TextContent source(content);
    auto error = error_of([&] {
        target->put_blob(blob(digest, content.size()), source, stop.get_token(), [&](uint64_t sent) {
            if (sent > 64'000) stop.request_stop();
        });
    });
    CHECK(error.kind() == ErrorKind::interrupted);
}

TEST_CASE_METHOD(PushFixture, "blobs are sent by several threads at once, for one token") {
    FakeRegistry closed(Login::token);
    closed.needs_push_scope = true;
    login(closed.host(), "bob", "secret");
    auto target = destination(closed.reference("app"));
    std::vector<std::string> contents;
    for (size_t i = 0; i < 6; i++) contents.push_back(noise(150'000 + i));
    {
        std::vector<std::jthread> threads;
        for (const auto& bytes : contents) {
            threads.emplace_back([&] {
                auto descriptor = blob(Digest::of(bytes), bytes.size());
                if (!target->has_blob(descriptor, {})) target->put_blob(descriptor, TextContent(bytes), {});
            });
        }
    }
    for (const auto& bytes : contents) CHECK(closed.blob(Digest::of(bytes)) == bytes);
    CHECK(token_requests(closed).size() == 1);
}

TEST_CASE_METHOD(PushFixture, "pulls and pushes at the same time do not take each other's token") {
    FakeRegistry closed(Login::token);
    closed.needs_push_scope = true;
    closed.add_manifest("app", "latest", manifest);
    login(closed.host(), "bob", "secret");
    std::atomic<int> done = 0;
    for (int round = 0; round < 20; round++) {
        Client client(options);
        auto reference = oci::Reference::parse(closed.reference("app"));
        auto source = client.image(reference);
        auto target = client.destination(reference);
        std::jthread pull([&] { done += source->root_manifest({}).json == manifest; });
        std::jthread push([&] {
            target->put_manifest(manifest, "application/vnd.oci.image.manifest.v1+json", {});
            done++;
        });
    }
    CHECK(done == 40);
}

TEST_CASE_METHOD(PushFixture, "whether a blob is there is asked without fetching it") {
    registry.add_blob(content);
    CHECK(has(digest, content.size()));
    CHECK(steps() == Steps{"HEAD"});
    CHECK_FALSE(has(Digest::of("absent"), 6));
}

TEST_CASE_METHOD(PushFixture, "a blob of another size is not there") {
    registry.add_blob(content);
    CHECK_FALSE(has(digest, content.size() - 1));
}

TEST_CASE_METHOD(PushFixture, "a look at a blob is repeated after a server error, and may be redirected") {
    FakeRegistry storage;
    storage.add_blob(content);
    registry.fault("blobs/", faults::status(502));
    registry.fault("blobs/", faults::redirect(storage.server().url() + "/v2/x/blobs/" + digest.text()));
    CHECK(has(digest, content.size()));
    registry.fault("blobs/", faults::redirect(storage.server().url() + "/v2/x/blobs/absent"));
    CHECK_FALSE(has(digest, content.size()));
}

TEST_CASE_METHOD(PushFixture, "storage that forbids to look is no yes and no error") {
    FakeRegistry storage;
    storage.fault("blobs/", faults::status(403));
    registry.fault("blobs/", faults::redirect(storage.server().url() + "/v2/x/blobs/" + digest.text()));
    CHECK_FALSE(has(digest, content.size()));
}

TEST_CASE_METHOD(PushFixture, "a manifest is put under its tag") {
    auto target = destination(registry.reference("app", "main"));
    target->put_manifest(manifest, "application/vnd.oci.image.manifest.v1+json", {});
    CHECK(registry.manifest("app", "main") == manifest);
    auto request = registry.requests("manifests/").at(0);
    CHECK(request.path == "/v2/app/manifests/main");
    CHECK(request.header("content-type") == "application/vnd.oci.image.manifest.v1+json");
    CHECK(pull_manifest(registry.reference("app", "main")) == manifest);
}

TEST_CASE_METHOD(PushFixture, "a manifest is put under its digest, which must be right") {
    std::string name = fmt::format("{}/app@{}", registry.host(), Digest::of(manifest).text());
    destination(name)->put_manifest(manifest, "application/vnd.oci.image.manifest.v1+json", {});
    CHECK(registry.requests("manifests/").at(0).path == "/v2/app/manifests/" + Digest::of(manifest).text());
    auto error = error_of([&] { destination(name)->put_manifest(manifest + " ", "x/y", {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(registry.requests("manifests/").size() == 1);
}

TEST_CASE_METHOD(PushFixture, "a manifest is sent again after a server error") {
    registry.fault("manifests/", faults::no_answer());
    registry.fault("manifests/", faults::status(429, {{"Retry-After", "0"}}));
    destination(registry.reference("app"))->put_manifest(manifest, "application/vnd.oci.image.manifest.v1+json", {});
    CHECK(registry.manifest("app", "latest") == manifest);
}

TEST_CASE_METHOD(PushFixture, "a manifest that the registry stored with another digest is an error") {
    registry.fault("manifests/", faults::header("Docker-Content-Digest", Digest::of("other").text()));
    auto error = error_of([&] { destination(registry.reference("app"))->put_manifest(manifest, "a/b", {}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("stored manifest " + registry.reference("app")));
}
