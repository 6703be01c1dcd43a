#include <thread>

#include <fmt/format.h>

#include "client_fixture.h"
#include "gbuild/base/text.h"

using namespace gbuild;
using namespace gbuild::registry;

namespace {

class BlobFixture : public ClientFixture {
  public:
    BlobFixture() : content(noise(200'000)), digest(registry.add_blob(content)) {}
    std::string pull() { return pull_blob(registry.reference("app"), digest, content.size()); }
    // Range headers of the blob requests so far.
    std::vector<std::string> ranges() const {
        std::vector<std::string> out;
        for (const auto& request : registry.requests("blobs/")) out.push_back(request.header("range"));
        return out;
    }

    FakeRegistry registry;
    std::string content;
    Digest digest;
};

using Ranges = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(BlobFixture, "a blob arrives whole") {
    CHECK(pull() == content);
    CHECK(registry.requests().at(0).path == "/v2/app/blobs/" + digest.text());
    CHECK(ranges() == Ranges{""});
}

TEST_CASE_METHOD(BlobFixture, "a blob of no bytes needs no request") {
    CHECK(pull_blob(registry.reference("app"), Digest::of(""), 0).empty());
    CHECK(registry.requests().empty());
}

TEST_CASE_METHOD(BlobFixture, "a download that an earlier run began goes on where it ended") {
    MemorySink sink;
    sink.hold(content.substr(0, 150'000));
    image(registry.reference("app"))->fetch_blob(blob(digest, content.size()), sink, {});
    CHECK(sink.bytes() == content);
    CHECK(ranges() == Ranges{"bytes=150000-"});
}

TEST_CASE_METHOD(BlobFixture, "more bytes than the blob has from an earlier run are dropped") {
    MemorySink sink;
    sink.hold(content + "x");
    image(registry.reference("app"))->fetch_blob(blob(digest, content.size()), sink, {});
    CHECK(sink.bytes() == content);
}

TEST_CASE_METHOD(BlobFixture, "a connection closed in mid-blob is resumed") {
    registry.fault("blobs/", faults::cut(70'000));
    CHECK(pull() == content);
    CHECK(ranges() == Ranges{"", "bytes=70000-"});
}

TEST_CASE_METHOD(BlobFixture, "a connection reset in mid-blob is survived") {
    registry.fault("blobs/", faults::cut(70'000, test::Ending::reset));
    registry.fault("blobs/", faults::cut(10, test::Ending::reset));
    CHECK(pull() == content);
    CHECK(ranges().size() == 3);
}

TEST_CASE_METHOD(BlobFixture, "a short body that claims to be whole is resumed") {
    registry.fault("blobs/", faults::body(content.substr(0, 5000)));
    CHECK(pull() == content);
    CHECK(ranges() == Ranges{"", "bytes=5000-"});
}

TEST_CASE_METHOD(BlobFixture, "a body without length that ends early is resumed") {
    registry.fault("blobs/", [&](const test::HttpRequest&, test::HttpReply& reply) {
        reply.ending = test::Ending::unframed;
        reply.body.resize(6000);
    });
    CHECK(pull() == content);
    CHECK(ranges() == Ranges{"", "bytes=6000-"});
}

TEST_CASE_METHOD(BlobFixture, "200 instead of 206 is a restart whose known bytes are skipped") {
    registry.fault("blobs/", faults::cut(70'000));
    registry.fault("blobs/", faults::ignore_range(content));
    CHECK(pull() == content);
    CHECK(ranges().size() == 2);
}

TEST_CASE_METHOD(BlobFixture, "a wrong Content-Range leads to a request without range") {
    for (const char* range : {"bytes 0-199999/200000", "bytes 70000-199999/200001", "bytes 70001-199999/*",
                              "items 1-2/3", "bytes 70000-60000/200000", ""}) {
        CAPTURE(range);
        registry.fault("blobs/", faults::cut(70'000));
        registry.fault("blobs/", faults::header("Content-Range", range));
        CHECK(pull() == content);
        CHECK(ranges().back().empty());
    }
}

TEST_CASE_METHOD(BlobFixture, "a Content-Range of unknown total is accepted") {
    registry.fault("blobs/", faults::cut(70'000));
    registry.fault("blobs/", faults::header("Content-Range", "bytes 70000-199999/*"));
    CHECK(pull() == content);
    CHECK(ranges().size() == 2);
}

TEST_CASE_METHOD(BlobFixture, "416 leads to a request without range") {
    registry.fault("blobs/", faults::cut(70'000));
    registry.fault("blobs/", faults::status(416));
    CHECK(pull() == content);
    CHECK(ranges() == Ranges{"", "bytes=70000-", ""});
}

TEST_CASE_METHOD(BlobFixture, "206 for a request without range is refused") {
    registry.fault("blobs/", [](const test::HttpRequest&, test::HttpReply& reply) { reply.status = 206; });
    auto error = error_of([&] { pull(); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK_THAT(error.message(), ContainsSubstring("answered with status 206"));
}

TEST_CASE_METHOD(BlobFixture, "a blob longer than its manifest says is refused") {
    registry.fault("blobs/", faults::body(content + "x"));
    auto error = error_of([&] { pull(); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK_THAT(error.message(), ContainsSubstring("is larger than the 200000 bytes that its manifest says"));
    CHECK(ranges().size() == 1);
}

TEST_CASE_METHOD(BlobFixture, "corrupted bytes are passed on for the caller's digest to find") {
    registry.fault("blobs/", faults::corrupt(1000));
    std::string pulled = pull();
    CHECK(pulled.size() == content.size());
    CHECK(Digest::of(pulled) != digest);
}

TEST_CASE_METHOD(BlobFixture, "server errors and rate limits between parts are survived") {
    registry.fault("blobs/", faults::status(500));
    registry.fault("blobs/", faults::cut(70'000));
    registry.fault("blobs/", faults::status(429, {{"Retry-After", "0"}}));
    CHECK(pull() == content);
    CHECK(ranges() == Ranges{"", "", "bytes=70000-", "bytes=70000-"});
}

TEST_CASE_METHOD(BlobFixture, "a server that sends crumbs is given up") {
    for (int i = 0; i < 10; i++) registry.fault("blobs/", faults::cut(10));
    auto error = error_of([&] { pull(); });
    CHECK(error.kind() == ErrorKind::network);
    CHECK_THAT(error.message(), ContainsSubstring("(tried 5 times)"));
}

TEST_CASE_METHOD(BlobFixture, "failures with much progress between them are not added up") {
    std::string large = noise(12u << 20);
    Digest large_digest = registry.add_blob(large);
    for (int i = 0; i < 8; i++) registry.fault("blobs/", faults::cut(5u << 18));
    CHECK(pull_blob(registry.reference("app"), large_digest, large.size()) == large);
    CHECK(ranges().size() == 9);
}

TEST_CASE_METHOD(BlobFixture, "an absent blob is not_found") {
    auto error = error_of([&] { pull_blob(registry.reference("app"), Digest::of("absent"), 6); });
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK(error.message() ==
          fmt::format("{0} has no blob {1} of {0}/app:latest", registry.host(), Digest::of("absent").text()));
}

TEST_CASE_METHOD(BlobFixture, "what the sink throws ends the download") {
    MemorySink sink;
    sink.on_append = [] { throw Error(ErrorKind::no_space, "disk full"); };
    auto source = image(registry.reference("app"));
    auto error = error_of([&] { source->fetch_blob(blob(digest, content.size()), sink, {}); });
    CHECK(error.kind() == ErrorKind::no_space);
    CHECK(registry.requests().size() == 1);
}

TEST_CASE_METHOD(BlobFixture, "a stalled download ends at once when it is stopped") {
    registry.fault("blobs/", faults::cut(70'000, test::Ending::stall));
    std::stop_source stop;
    MemorySink sink;
    sink.on_append = [&] {
        if (sink.received() == 70'000) stop.request_stop();
    };
    auto source = image(registry.reference("app"));
    auto error = error_of([&] { source->fetch_blob(blob(digest, content.size()), sink, stop.get_token()); });
    CHECK(error.kind() == ErrorKind::interrupted);
    CHECK(sink.received() == 70'000);
}

TEST_CASE_METHOD(BlobFixture, "a download that waits for its answer is woken by another thread's stop") {
    registry.fault("blobs/", [](const test::HttpRequest&, test::HttpReply& reply) {
        reply.ending = test::Ending::stall;
        reply.headers.emplace_back("X-Nothing", "follows");
    });
    std::stop_source stop;
    auto source = image(registry.reference("app"));
    std::jthread stopper([&] {
        registry.server().wait_for_requests(2);  // the ping and the blob
        stop.request_stop();
    });
    MemorySink sink;
    auto error = error_of([&] { source->fetch_blob(blob(digest, content.size()), sink, stop.get_token()); });
    CHECK(error.kind() == ErrorKind::interrupted);
}

TEST_CASE_METHOD(BlobFixture, "a transfer that stalls is broken off and resumed") {
    options.stall_timeout = std::chrono::seconds(1);
    registry.fault("blobs/", faults::cut(70'000, test::Ending::stall));
    CHECK(pull() == content);
    CHECK(ranges() == Ranges{"", "bytes=70000-"});
}

TEST_CASE_METHOD(BlobFixture, "blobs are fetched by several threads at once") {
    std::vector<std::string> contents;
    std::vector<Digest> digests;
    for (size_t i = 0; i < 6; i++) {
        contents.push_back(noise(300'000 + i));
        digests.push_back(registry.add_blob(contents.back()));
    }
    auto source = image(registry.reference("app"));
    std::vector<MemorySink> sinks(contents.size());
    {
        std::vector<std::jthread> threads;
        for (size_t i = 0; i < contents.size(); i++) {
            threads.emplace_back([&, i] { source->fetch_blob(blob(digests[i], contents[i].size()), sinks[i], {}); });
        }
    }
    for (size_t i = 0; i < contents.size(); i++) CHECK(sinks[i].bytes() == contents[i]);
}

TEST_CASE_METHOD(BlobFixture, "a foreign layer that the registry has not comes from its own URLs") {
    FakeRegistry other;
    std::string foreign = noise(50'000);
    other.add_blob(foreign);
    auto layer = blob(Digest::of(foreign), foreign.size());
    layer.urls = {other.server().url() + "/v2/x/blobs/absent",
                  other.server().url() + "/v2/x/blobs/" + layer.digest.text()};
    other.fault(layer.digest.text(), faults::cut(20'000));
    MemorySink sink;
    image(registry.reference("app"))->fetch_blob(layer, sink, {});
    CHECK(sink.bytes() == foreign);
    for (const auto& request : other.requests()) CHECK(request.header("authorization").empty());
}

TEST_CASE_METHOD(BlobFixture, "a foreign layer's URL must be https") {
    auto layer = blob(Digest::of("x"), 1);
    for (const char* url : {"http://layers.example/x", "file:///etc/passwd"}) {
        layer.urls = {url};
        MemorySink sink;
        CHECK_THROWS_WITH(image(registry.reference("app"))->fetch_blob(layer, sink, {}),
                          ContainsSubstring("names a layer at"));
        CHECK(sink.received() == 0);
    }
}

TEST_CASE_METHOD(ClientFixture, "no request asks for a content coding (S-19)") {
    FakeRegistry registry(Login::token);
    registry.password.clear();
    Digest digest = registry.add_blob("bytes");
    CHECK(pull_blob(registry.reference("app"), digest, 5) == "bytes");
    for (const auto& request : registry.server().requests()) CHECK(request.header("accept-encoding") == "identity");
}

TEST_CASE_METHOD(ClientFixture, "a blob that storage calls gzip is taken as it comes (S-19)") {
    FakeRegistry registry;
    std::string content = noise(50'000);
    Digest digest = registry.add_blob(content);
    registry.fault("blobs/", faults::header("Content-Encoding", "gzip"));
    CHECK(pull_blob(registry.reference("app"), digest, content.size()) == content);
}

TEST_CASE_METHOD(ClientFixture, "a blob that was compressed on its way is refused by the coding's name (S-19)") {
    FakeRegistry registry;
    std::string content = noise(50'000);
    Digest digest = registry.add_blob(content);
    auto coding = GENERATE(as<std::string>(), "gzip", "br", "GZIP, br");
    size_t size = GENERATE(1000, 60'000);
    registry.fault("blobs/", [&](const test::HttpRequest&, test::HttpReply& reply) {
        reply.headers.emplace_back("Content-Encoding", coding);
        reply.body = std::string(size, 'x');
    });
    auto error = error_of([&] { pull_blob(registry.reference("app"), digest, content.size()); });
    CHECK_THAT(error.message(), ContainsSubstring("with the content coding \"" + to_lower(coding) + "\""));
    CHECK(registry.requests().size() == 1);
}
